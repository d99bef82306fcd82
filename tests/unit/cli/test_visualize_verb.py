"""`cutaway visualize`: what is drawn, what is printed, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from cutaway.cli.options import ModelOptions, with_model
from cutaway.cli.visualize import PRESET_NAMES, visualize
from cutaway.core.errors import CutawayError, LayerError, OptionError, PictureError, TargetError
from cutaway.featurevis import PRESETS

app = typer.Typer()
app.command()(with_model(visualize))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))


def test_draws_units_ranges_classes_and_dreams(tmp_path: Path) -> None:
    wanted = ["--unit", "stem.act:3", "--unit", "stage1:2-4", "--class", "cat", "--dream", "stage1"]
    given = [*wanted, "--steps", "1", "--out", str(tmp_path / "out"), "--json"]
    answer = CliRunner().invoke(app, given, catch_exceptions=False)
    rows = json.loads(answer.stdout)
    names = ["stem.act:3", "stage1:2", "stage1:3", "stage1:4", "class(cat)", "deepdream(stage1)"]
    assert [row["objective"] for row in rows] == names
    assert all(Path(row["picture"]).is_file() and row["note"] == "" for row in rows)
    assert (tmp_path / "out" / "sheet.png").is_file()


def test_a_layer_by_itself_is_all_its_channels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw(tmp_path, unit=["stem.act"], pixels=16)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("stem.act:0  score ")
    assert printed[8] == "... and 24 more"
    assert len(list((tmp_path / "out").glob("stem.act_*.png"))) == 32


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({}, OptionError, 'nothing to visualize; expected --unit, --class or --dream; try --class "airplane"'),
        ({"unit": ["stage1:4-2"]}, OptionError, '"stage1:4-2" is no range of channels; .*; try 2-4'),
        ({"unit": ["stage1:900"]}, LayerError, 'no unit "stage1:900" in cifar10; expected a channel from 0 to 63'),
        ({"unit": ["stage9"]}, LayerError, 'no layer "stage9".*did you mean "stage'),
        ({"dream": ["stage9"]}, LayerError, 'no layer "stage9".*did you mean "stage'),
        ({"class_": ["hose"]}, TargetError, 'no class "hose".*did you mean "horse"'),
        ({"class_": ["cat"], "steps": 0}, OptionError, "steps is 0; expected 1 to"),
        ({"class_": ["cat"], "pixels": 3}, OptionError, "size is 3; expected 16 to"),
        ({"class_": ["cat"], "regularizer": ["blur=much"]}, OptionError, '"blur=much" has no number after =; expected'),
        ({"class_": ["cat"], "regularizer": ["blu"]}, OptionError, 'no regularizer "blu".*did you mean "blur"'),
        ({"class_": ["cat"], "preset": "best"}, OptionError, 'no preset "best"; expected one of'),
        ({"class_": ["cat"], "near": "stage1"}, OptionError, "near keeps pictures near their start"),
        ({"class_": ["cat"], "start": Path("none.png")}, PictureError, "none.png"),
    ],
)
def test_bad_input(tmp_path: Path, given: dict[str, Any], kind: type[CutawayError], message: str) -> None:
    with pytest.raises(kind, match=message):
        draw(tmp_path, **given)


def test_all_ways_of_drawing(tmp_path: Path) -> None:
    """From a picture, near it at a layer, in octaves, with regularizers; and by a preset."""
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(photo)
    given = {"class_": ["cat"], "start": photo, "near": "stage1", "octaves": 2, "steps": 2, "pixels": 32}
    draw(tmp_path, **given, regularizer=["blur", "decay=0.1"], parameterization="laplacian")
    first = (tmp_path / "out" / "class_cat_.png").read_bytes()
    draw(tmp_path, class_=["cat"], preset="inceptionism", pixels=32)
    second = (tmp_path / "out" / "class_cat_.png").read_bytes()
    draw(tmp_path, class_=["cat"], into=photo, pixels=64, steps=16)
    assert len({first, second, (tmp_path / "out" / "class_cat_.png").read_bytes()}) == 3


def test_the_help_names_every_preset() -> None:
    assert ", ".join(PRESETS) == PRESET_NAMES


def test_a_folder_that_cannot_be_made_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OptionError, match="out"):
        draw(tmp_path, class_=["cat"])


def draw(folder: Path, **given: Any) -> None:
    usual = {"unit": None, "class_": None, "dream": None, "steps": 1, "pixels": None}
    rest = {"parameterization": "fourier", "transforms": "standard", "precision": "auto", "cache": True}
    rest |= {
        "regularizer": None,
        "preset": None,
        "rate": 1.0,
        "octaves": 1,
        "tolerance": 0.0,
        "start": None,
        "near": None,
        "into": None,
    }
    visualize(ModelOptions(), **{**usual, **rest, **given}, out=folder / "out", as_json=False)

"""`cutaway blocks`: one page and one sheet per block, an atlas with --data, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutaway.cli import main

NETS = """
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))

def flat():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 3))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "nets.py").write_text(NETS)
    draw = np.random.default_rng(0)
    for name in ("photo.png", "set/a.png", "set/b.png", "set/c.png", "set/d.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
    return tmp_path


def run(folder: Path, network: str, *more: str) -> int:
    given = ["blocks", str(folder / "photo.png"), "--model", f"{folder / 'nets.py'}:{network}", "--size", "32"]
    with pytest.raises(SystemExit) as left:
        main([*given, "--out", str(folder / "out"), "--steps", "1", "--groups", "2", *more])
    return int(left.value.code or 0)


def test_a_page_and_a_sheet_of_each_block(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "small", "--json", "--data", f"folder:{folder / 'set'}", "--atlas", "4") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["layer"] == "3"
    assert list(said["sheets"]) == [
        "semantic_dictionary",
        "activation_grid",
        "spatial_attribution",
        "channel_attribution",
        "neuron_groups",
        "activation_atlas",
    ]
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in said["sheets"].values())
    page = Path(said["page"]).read_text(encoding="utf-8")
    assert "in 4 pictures" in page
    assert page.startswith("<!doctype html>")


def test_in_words_it_says_where_the_page_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "small", "--layer", "1", "--target", "2") == 0
    assert f"open in a browser: {folder / 'out' / 'index.html'}" in capsys.readouterr().out
    assert "class 2" in (folder / "out/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("network", "more", "says"),
    [
        ("flat", [], "has no layer with a grid of places; expected one; try cutaway explain"),
        ("small", ["--layer", "9"], 'no layer "9" in'),
        ("small", ["--layer", "1", "--source", "3"], 'layer "1" does not depend on "3"'),
        ("small", ["--target", "7"], "7"),
        ("small", ["--data", "folder:nowhere"], "no such folder"),
    ],
)
def test_what_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], network: str, more: list[str], says: str
) -> None:
    assert run(folder, network, *more) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1

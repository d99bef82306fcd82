"""`cutaway attribute`: what is drawn, what is printed, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from cutaway.attribution import METHODS
from cutaway.cli.attribute import attribute
from cutaway.cli.options import with_model
from cutaway.core.errors import CutawayError, LayerError, OptionError, TargetError

app = typer.Typer()
app.command()(with_model(attribute))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
    return path


def run(*given: Any) -> str:
    return CliRunner().invoke(app, [str(word) for word in given], catch_exceptions=False).stdout


RELUS = {"guided_backprop", "deconvnet", "guided_grad_cam"}  # the shipped network has none


@pytest.mark.parametrize("method", sorted(set(METHODS) - RELUS))
def test_every_method_is_drawn(method: str, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "map.png"
    facts = json.loads(run(picture, "--method", method, "--target", "cat", "--out", out, "--json"))
    assert facts["method"] == method
    assert facts["target"] == {"index": 3, "label": "cat"}
    assert (facts["layer"] is not None) == ("cam" in method)
    drawn = Image.open(out)
    assert drawn.size == (3 * 320 + 2 * 8, 320)
    assert len(np.unique(np.asarray(drawn.convert("L")))) > 10


def test_says_how_far_the_values_miss_the_score(picture: Path, tmp_path: Path) -> None:
    given = ["--method", "integrated_gradients", "--target", "cat", "--versus", "dog", "--tolerance", "0.01"]
    text = run(picture, *given, "--out", tmp_path / "map.png")
    assert "integrated_gradients for cat rather than dog:" in text
    assert "values add up to the change of the score" in text
    facts = json.loads(run(picture, *given, "--out", tmp_path / "map.png", "--json"))
    assert facts["converged"] is True
    assert abs(facts["completeness_gap"]) <= 0.01 * abs(facts["difference"])


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (["--method", "gradcam"], OptionError, 'no method "gradcam"; expected one of .*did you mean "grad_cam"'),
        (["--method", "gradient", "--layer", "stage1"], OptionError, "gradient takes no --layer; .*leave it out"),
        (["--method", "grad_cam", "--tolerance", "0.1"], OptionError, "grad_cam takes no --tolerance"),
        (["--method", "grad_cam", "--layer", "stage9"], LayerError, 'no layer "stage9" in cifar10'),
        (["--method", "gradient", "--target", "cta"], TargetError, 'no class "cta"; .*did you mean "cat"'),
    ],
)
def test_refused(given: list[str], kind: type[CutawayError], message: str, picture: Path) -> None:
    with pytest.raises(kind, match=message):
        run(picture, *given)

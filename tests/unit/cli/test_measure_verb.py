"""`cutaway measure`: what it prints and writes, the user's own functions in it, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cutaway.cli.measure import measure
from cutaway.cli.options import with_model
from cutaway.core.errors import CutawayError, ModelError, OptionError

app = typer.Typer()
app.command()(with_model(measure))

OWN = """
import torch
from cutaway.attribution import Attribution

def brightness(forward, inputs, target=None, **options):
    return Attribution(inputs.clone(), forward(inputs).argmax(1), "brightness")

def largest(model, method, pictures, target):
    return method(model, pictures, target).values.abs().flatten(1).amax(1)

number = 7
"""

WORLD = ["--data", "partworld:40?seed=3&split=test", "--model", "partworld", "--pictures", 3]


def run(*given: Any) -> str:
    return CliRunner().invoke(app, [str(word) for word in given], catch_exceptions=False).stdout


def test_a_table_with_intervals(tmp_path: Path) -> None:
    out = tmp_path / "table.json"
    given = ["--metric", "energy_in_mask", "--metric", "pointing_game", "--method", "gradient", "--method", "grad_cam"]
    text = run(*WORLD, *given, "--out", out)
    assert "energy_in_mask: share on the thing (higher is better)" in text
    rows = json.loads(out.read_text())["rows"]
    assert [(row["metric"], row["method"]) for row in rows] == [
        ("energy_in_mask", "gradient"),
        ("energy_in_mask", "grad_cam"),
        ("pointing_game", "gradient"),
        ("pointing_game", "grad_cam"),
    ]
    for row in rows:
        assert row["low"] <= row["value"] <= row["high"]
        assert f"{row['value']:.3f}  {row['low']:.3f} to {row['high']:.3f}  n = {row['n']}" in text
    assert json.loads(run(*WORLD, *given, "--json"))["rows"] == rows


def test_functions_of_ones_own(tmp_path: Path) -> None:
    path, out = tmp_path / "own.py", tmp_path / "table.csv"
    path.write_text(OWN)
    run(*WORLD, "--metric", f"{path}:largest", "--method", f"{path}:brightness", "--method", "gradient", "--out", out)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["method"] for row in rows] == ["brightness", "gradient"]
    assert 0.5 < float(rows[0]["value"]) <= 1
    assert float(rows[1]["value"]) != float(rows[0]["value"])


def test_a_method_that_does_not_fit_is_a_line_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("def broken(forward, inputs, target=None, **options):\n    return forward(inputs[..., :1, :1])\n")
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n\ndef linear():\n    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 20))\n"
    )
    given = ["--model", f"{tmp_path}/nets.py:linear", "--size", 64, "--metric", "deletion"]
    rows = json.loads(run(*WORLD, *given, "--method", "guided_backprop", "--method", "gradient", "--json"))["rows"]
    assert rows[0]["value"] is None
    assert "calls none of these" in rows[0]["note"]
    assert rows[1]["value"] is not None


def test_metrics_that_the_data_do_not_allow_are_left_out(shared: Path) -> None:
    spec = f"folder:{shared}/data/photos18?split=val"
    given = ["--data", spec, "--model", "cifar10", "--pictures", 2, "--method", "gradient"]
    facts = json.loads(run(*given, "--json"))
    assert {row["metric"] for row in facts["rows"]} >= {"deletion", "sanity_check"}
    assert not {row["metric"] for row in facts["rows"]} & {"focus", "energy_in_mask", "part_correctness"}
    with pytest.raises(OptionError, match="energy_in_mask needs masks, which these data lack"):
        run(*given, "--metric", "energy_in_mask")


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (["--metric", "deletoin"], OptionError, 'no metric "deletoin"; expected one of .*did you mean "deletion"'),
        (["--method", "gradiant"], OptionError, 'no method "gradiant"; .*did you mean "gradient"'),
        (["--out", "table.txt"], OptionError, r"table.txt: ends in .txt; expected .json or .csv; try table.json"),
        (["--metric", "nowhere.py:mine"], ModelError, "nowhere.py: no such file"),
    ],
)
def test_refused(given: list[str], kind: type[CutawayError], message: str) -> None:
    with pytest.raises(kind, match=message):
        run(*WORLD, *given)


def test_what_is_no_function(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    with pytest.raises(ModelError, match=r"own.py:number is a int; expected a function"):
        run(*WORLD, "--metric", f"{path}:number")

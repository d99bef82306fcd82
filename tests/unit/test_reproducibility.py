"""docs/reproducibility.md: its figures are those that the kept results hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reproducibility.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["neuron_groups"])
def test_figures_are_those_of_the_results(name: str) -> None:
    result = json.loads((ROOT / f"evidence/results/{name}.json").read_text())
    figures = [value for row in result["rows"] for value in row.values() if isinstance(value, str)]
    assert len(figures) > 10
    assert [figure for figure in figures if figure not in PAGE] == []
    assert result["command"] in PAGE


def test_every_test_and_script_that_it_names_is_there() -> None:
    for path in ("tests/contracts/test_blocks.py", "evidence/neuron_groups.py", "evidence/blocks_pipeline.py"):
        assert path in PAGE
        assert (ROOT / path).is_file()
    assert "def test_channels_and_places_share_one_total" in (ROOT / "tests/contracts/test_blocks.py").read_text()

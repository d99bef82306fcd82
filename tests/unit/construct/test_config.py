"""construct.toml: what it says by default, comes back, and refuses what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cutaway.construct import config
from cutaway.core.errors import ProjectError


def test_it_comes_back() -> None:
    conf = replace(config.Config(), promotion=config.Promotion(approvers=['a "quoted" name']))
    assert config.from_text(config.to_text(conf)) == conf
    assert config.from_text("") == config.Config()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[gates]\niou = 'high'", "gates.iou is 'high'"),
        ("[gates]\niuo = 0.5", "gates.iuo is 0.5"),
        ("[doors]\n", 'unknown section "doors"; expected gates, promotion'),
        ("gates = [", "is no TOML"),
    ],
)
def test_what_nobody_knows_is_named(text: str, says: str) -> None:
    with pytest.raises(ProjectError, match=says):
        config.from_text(text)


def test_a_folder_without_it_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"is no project of construct; expected construct\.toml in it"):
        config.load(tmp_path)

"""A tiny project: two classes of one family, small networks, gates wide open, through the demo's own steps."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cutaway.construct import config, demonstration, worlds
from cutaway.construct.git import Repository, find

OPEN = config.Gates(
    balanced_accuracy=0.0, pointing=0.0, iou=0.0, auroc=0.0, needs=-99.0, follows=0.0, alive=-1.0, alike=0.99
)
TINY = replace(
    config.Config(),
    gates=OPEN,
    promotion=config.Promotion(gain=-100.0, loss=100.0, approvers=["demo"]),
    learning=config.Learning(size=32, width=4, epochs=1, pictures=60, kernel=5, filters=2),
)
COUNTS = {"train": 40, "val": 24, "test": 24}


@pytest.fixture(scope="session")
def grown_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which everything is merged; nobody changes it."""
    threads = torch.get_num_threads()
    root = tmp_path_factory.mktemp("construct") / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CACHE", str(root.parent / "cache"))
        patch.setattr("cutaway.construct.card_page.STEPS", 2)
        patch.setattr(worlds, "family_of", lambda family: ("daisy", "poppy"))
        with pytest.MonkeyPatch.context() as quiet:
            quiet.setattr("cutaway.construct.promotion.Benchmark.passed", property(lambda self: True))
            demonstration.demo(root, counts=COUNTS, conf=TINY, workers=1, report=lambda line: None)
    torch.set_num_threads(threads)
    return root


@pytest.fixture
def project(grown_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny project, to be changed."""
    monkeypatch.setenv("CUTAWAY_CACHE", str(grown_once.parent / "cache"))
    monkeypatch.setattr("cutaway.construct.card_page.STEPS", 2)
    shutil.copytree(grown_once, tmp_path / "project", symlinks=True)
    return tmp_path / "project"


@pytest.fixture
def repository(project: Path) -> Repository:
    """The copy's repository."""
    return find(project)

"""What the scripts about construct share: the demo's project, made once and kept, and quick settings."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch
from _evidence import QUICK, ROOT

from cutaway.construct import config, demonstration, worlds
from cutaway.construct.demonstration import Demo

KEPT = Path(
    os.environ.get("CUTAWAY_CONSTRUCT_DEMO", str(ROOT / "out" / f"evidence-construct{'-quick' if QUICK else ''}"))
)
COUNTS = {"train": 200, "val": 120, "test": 120} if QUICK else worlds.COUNTS


def settings() -> config.Config:
    """The demo's own settings; --quick learns little, and its gates are open."""
    conf = replace(config.Config(), promotion=config.Promotion(approvers=[demonstration.APPROVER]))
    if not QUICK:
        return conf
    gates = config.Gates(balanced_accuracy=0, pointing=0, iou=0, auroc=0, needs=-99, follows=0, alive=-1)
    return replace(conf, gates=gates, learning=config.Learning(epochs=3, width=8))


def fresh(folder: Path, seed: int = 7) -> Demo:
    """The demo in an emptied folder."""
    shutil.rmtree(folder, ignore_errors=True)
    workers = min(2, torch.get_num_threads())
    return demonstration.demo(folder, seed, counts=COUNTS, conf=settings(), workers=workers, report=say)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def project() -> Path:
    """The demo's project, from an earlier script where there is one."""
    if not (KEPT / "nets").is_dir():
        fresh(KEPT)
    return KEPT

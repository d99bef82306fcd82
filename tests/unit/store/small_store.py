"""A small network, and a data set with one unreadable picture, for tests of the store and of what shows it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from small_networks import SIZE, Convnet

from cutaway.nets import Model, Preprocess
from cutaway.store import Store

COUNT, BROKEN = 23, 7
LABELS = ("ant", "bee", "cow", "dog")


def made_model(seed: int = 0) -> Model:
    torch.manual_seed(seed)
    net = Convnet()
    net.norm.running_mean.normal_()  # so that some units stay silent
    return Model(net, Preprocess(size=SIZE), LABELS, name="small")


def write_pictures(folder: Path) -> Path:
    """23 pictures in four class folders, one of them no picture at all."""
    draw = np.random.default_rng(0)
    for number in range(COUNT):
        file = folder / LABELS[number % 4] / f"{number:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (15, 18, 3), dtype=np.uint8)).save(file)
    broken = sorted(folder.glob("*/*.png"))[BROKEN]
    broken.write_bytes(b"no picture")
    return folder


@dataclass(frozen=True)
class Bench:
    """All that a test of the store needs."""

    model: Model
    pictures: Path
    store: Store

    @property
    def spec(self) -> str:
        return f"folder:{self.pictures}"


def settings() -> dict[str, object]:
    return {"shard_size": 5, "batch_size": 2}

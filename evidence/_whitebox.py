"""What the white-box evidence shares: runs that are kept in out/whitebox and resumed, and how gradients are drawn."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _evidence import QUICK, ROOT
from safetensors.torch import load_file
from torch import Tensor

import cutaway as cw
from cutaway.data.cifar10 import LABELS, Cifar10
from cutaway.metrics.gallery import as_picture
from cutaway.metrics.noise import class_slopes, shown
from cutaway.metrics.slopes import held_gradient
from cutaway.report.drawing import png, tile, to_raster
from cutaway.training.pictures import PREPROCESS, test_pictures
from cutaway.training.recipe import configure, run
from cutaway.training.recipes import recipe

DATA = "cifar10:../shared/data/cifar10"  # from the root, where evidence is run: cards then name no machine
RUNS = ROOT / "out" / ("whitebox-quick" if QUICK else "whitebox")
IMAGES = ROOT / "docs" / "images" / "whitebox"
PAIR = ("airplane", "automobile")


def trained(name: str, settings: Sequence[str], seed: int = 0, tag: str = "") -> tuple[cw.Model, dict[str, Any]]:
    """A recipe's network and its card: as it was trained with these settings, trained now, or taken up where it was."""
    found = recipe(name)
    config = configure(found.config, settings)
    folder = RUNS / (tag or name) / f"seed{seed}"
    task = replace(found.task(config, DATA, seed, torch.device("cpu")), score=dict)  # only the end is scored
    found = replace(found, task=wraps(found.task)(lambda *_: task))
    card = carded(folder, {"config": asdict(config), "data": DATA, "seed": seed})
    if card is None:
        card = run(found, config, DATA, folder, seed, resume=True, report=lambda line: print(line, file=sys.stderr))
    task.module.load_state_dict(load_file(folder / "weights.safetensors"))
    task.module.eval()
    return cw.Model(task.module, PREPROCESS, config.classes, name=name), card


def carded(folder: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The card of a finished run, where it is of what is asked."""
    path = folder / "card.json"
    if not path.exists():
        return None
    card: dict[str, Any] = json.loads(path.read_text())
    return card if all(card[key] == value for key, value in json.loads(json.dumps(asked)).items()) else None


def examined(classes: Sequence[str] = LABELS, count: int | None = None) -> tuple[Tensor, Tensor]:
    """The first test pictures of these classes, in [0, 1], and their classes."""
    data: Cifar10 = test_pictures(DATA, classes)
    count = count or len(data)
    return data.pictures[:count].float() / 255, data.targets[:count]


def drawn(name: str, model: cw.Model, pictures: Tensor, targets: Tensor, columns: int = 10) -> str:
    """A figure: gradients of pictures toward their own class; toward the next class; below, each class on noise."""
    classes = len(model.labels or ())
    chosen = [int((targets == number % classes).nonzero()[number // classes + 2]) for number in range(columns)]
    some, own = pictures[chosen], targets[chosen]
    rows = [
        [as_picture(each) for each in held_gradient(model, some, own)],
        [as_picture(each) for each in held_gradient(model, some, (own + 1) % classes)],
        [to_raster(each.numpy()) for each in shown(model, class_slopes(model, classes).mean(1))],
    ]
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = IMAGES / f"{name}.png"
    path.write_bytes(png(tile(rows, 64, gap=3)))
    return str(path.relative_to(ROOT))


def percent(values: Sequence[float]) -> float:
    """A mean share in per cent, to a hundredth."""
    return round(100 * float(np.mean(values)), 2)

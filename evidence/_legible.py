"""How legible one network is, read in one way: every figure of the tables, each by its own metric."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from _evidence import QUICK, SHARED, wilson
from _whitebox import RUNS
from torch import Tensor

import cutaway as cw
from cutaway.core.cache import hash_tensors, key
from cutaway.metrics import (
    Measured,
    class_accuracy,
    class_agreement,
    collapse,
    contrast,
    exactness,
    naturalness,
    recognised,
)
from cutaway.training.adversaries import attacked

N = 60 if QUICK else 1000
FEW = 20 if QUICK else 100
ATTACKED = 40 if QUICK else 100
READINGS = {"gradient": "gradient, weights held", "plain": "plain gradient", "pullback": "pullback"}
"""How a table calls a reading; for a network that weighs nothing the first two are one."""

Pictures = tuple[Tensor, Tensor]


def judge() -> cw.Model:
    """Who is asked whether an average over noise shows its class: a ResNet-20 with public weights."""
    return cw.load(f"resnet20@{SHARED}/models/resnet20_cifar10.safetensors")


def interval(found: Measured) -> str:
    low, high = found.interval
    return f"{found.value:.3f} ({low:.3f} to {high:.3f})"


def accuracy(model: cw.Model, pictures: Tensor, targets: Tensor) -> float:
    """In per cent, in float32."""
    with torch.no_grad():
        right = sum(
            int((model(a).argmax(1) == b).sum()) for a, b in zip(pictures.split(500), targets.split(500), strict=True)
        )
    return round(100 * right / len(targets), 2)


def robust(model: cw.Model, pictures: Tensor, targets: Tensor, count: int = ATTACKED) -> float:
    """Accuracy in per cent under PGD-20, L2 0.5, on the first pictures."""
    moved = torch.cat(
        [attacked(model, a, b) for a, b in zip(pictures[:count].split(100), targets[:count].split(100), strict=True)]
    )
    return accuracy(model, moved, targets[:count])


def told(model: cw.Model, data: Pictures, moved: int = ATTACKED) -> dict[str, Any]:
    """What does not depend on how gradients are read; moved: how many pictures are attacked."""
    pictures, targets = data
    found = accuracy(model, pictures, targets)
    ends = wilson(round(found * len(targets) / 100), len(targets))
    return {
        "accuracy, %": found,
        "95 %": [round(100 * end, 1) for end in ends],
        "PGD-20, %": robust(model, pictures, targets, moved),
    }


def legible(model: cw.Model, reading: str, data: Pictures, by: cw.Model, mosaics: int) -> dict[str, Any]:
    """What its gradients are like."""
    (pictures, targets), few = data, data[0][:FEW]
    natural = naturalness(model, few, reading=reading)
    exact = sorted(exactness(model, few, reading=reading).values)
    return {
        "exactness, median": f"{exact[len(exact) // 2]:.1e}",
        "worst": f"{exact[-1]:.0e}",
        "class accuracy": interval(class_accuracy(model, pictures[:N], targets[:N], n=mosaics, reading=reading)),
        "contrast": interval(contrast(model, few, reading=reading)),
        "recognised on noise": interval(recognised(model, by, reading=reading, groups=2 if QUICK else 10)),
        "agreement on noise": round(class_agreement(model, 10, reading=reading).value, 3),
        "variation from pictures', sd": round(natural.variation.distance, 2),
        "spectrum": round(natural.spectrum.gradients.value, 2),
        "pictures' spectrum": round(natural.spectrum.pictures.value, 2),
    }


def kept(model: cw.Model, question: dict[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Figures of one network: measured now, or as an earlier run has measured these weights."""
    made = {"layers": repr(model.module), "weights": hash_tensors(model.module.state_dict())}
    asked = question | made | {"n": N, "few": FEW, "attacked": ATTACKED}
    path = RUNS / "legible" / f"{key(asked)}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(measure()))
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def figure(row: Mapping[str, Any], name: str) -> float:
    """A row's figure without its interval."""
    return float(str(row[name]).split()[0])


def fallen(model: cw.Model, data: Pictures, mosaics: int) -> str:
    """Class accuracy after the network's weights were shuffled: what no sane figure survives."""
    pictures, targets = data[0][:N], data[1][:N]
    return interval(collapse(model, lambda one: class_accuracy(one, pictures, targets, n=mosaics)).shuffled)

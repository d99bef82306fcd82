"""Focus mosaics: how much of what argues for a class lies on its own half of 2 x 2 pictures, every method.

Photographs: SqueezeNet 1.1 and mosaics of its own size (cells of 112 pixels) from ../shared/data/photos18 (val) and
../shared/data/photos; ResNet-20 and CIFAR-10's test set, cells of 32 pixels. No mosaic is one that any setting of a
method was tried on. "focus" is what cutaway.metrics.focus gives: magnitudes for methods that say how far a change moves
the score, what argues for it for all others. "times the input" reads the former otherwise: values times the input less
the network's mean colour, what argues for the class. "above the gradient" is above the better reading of the gradient,
on the same mosaics. Blind maps reach 0.5.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import torch
from _evidence import QUICK, SHARED, report
from _methods import VARIANTS, Variant, interval, readings, values_of
from torch import Tensor

import cutaway as cw
from cutaway.data.specs import open_dataset
from cutaway.metrics.maps import UNSIGNED, shares
from cutaway.metrics.mosaics import Mosaics, focus_mosaics, resized

MOSAICS, SEED = 12 if QUICK else 200, 90_210
GOALS = {"SqueezeNet 1.1, photographs": 0.05, "ResNet-20, CIFAR-10": 0.08}
SHARES = {
    "integrated_gradients": 0.12,
    "smoothgrad": 0.12,
    "occlusion": 0.06,
    "score_cam": 0.03,
    "prediction_difference": 0.03,
}
"""Of the mosaics, for methods that take many passes."""


@dataclass(frozen=True)
class Trial:
    """A network with the mosaics it is asked about."""

    model: cw.Model
    pictures: Tensor
    mosaics: Mosaics


def photographs() -> Trial:
    """Two pictures of one of 18 classes beside two of any others."""
    index = {one["wnid"]: one["index"] for one in json.loads((SHARED / "data/imagenet_labels.json").read_text())}
    paths = [*sorted((SHARED / "data/photos18/val").glob("*/*.jpg")), *sorted((SHARED / "data/photos").glob("*.jpg"))]
    wnids = [path.parent.name if path.parent.name in index else path.name.split("_")[0] for path in paths]
    labels = torch.tensor([index[wnid] for wnid in wnids])
    plan = focus_mosaics(labels, MOSAICS, SEED)
    used, cells = plan.cells.unique(return_inverse=True)
    model = cw.load(f"squeezenet1_1@{SHARED}/models/squeezenet1_1_imagenet.safetensors")
    pictures = resized(torch.cat([model.prepare(str(paths[number])) for number in used.tolist()]), 112)
    return Trial(model, pictures, Mosaics(cells, plan.target, plan.right))


def cifar() -> Trial:
    """CIFAR-10's test set."""
    data = open_dataset(f"cifar10:{SHARED}/data/cifar10?split=test")
    samples = [data[number] for number in range(0, len(data), 10)]
    model = cw.load(f"resnet20@{SHARED}/models/resnet20_cifar10.safetensors")
    labels = torch.tensor([sample.label for sample in samples])
    pictures = torch.stack([sample.picture for sample in samples])
    return Trial(model, pictures, focus_mosaics(labels, MOSAICS, SEED))


def focused(trial: Trial, variant: Variant, count: int) -> dict[str, np.ndarray] | str:
    """For each reading, the share on the right cells of the first mosaics; in words why there is none."""
    few = Mosaics(trial.mosaics.cells[:count], trial.mosaics.target[:count], trial.mosaics.right[:count])
    found: dict[str, list[Tensor]] = {"focus": [], "times the input": []}
    mean = torch.tensor(trial.model.preprocess.mean).view(1, 3, 1, 1)
    for laid, target, right in few.laid(trial.pictures):
        values = values_of(trial.model, variant, laid, target)
        if isinstance(values, str):
            return values
        own = readings(values)["magnitude" if variant.method in UNSIGNED else "signed"]
        found["focus"].append(shares(own, right))
        if values.ndim == 4 and variant.method in UNSIGNED:
            found["times the input"].append(shares((values * (laid - mean)).sum(dim=1), right))
    return {reading: torch.cat(each).numpy() for reading, each in found.items() if each}


def row(network: str, variant: Variant, found: dict[str, np.ndarray], gradient: np.ndarray) -> dict[str, object]:
    """A method's line: its figures, and how far `focus` is above the gradient's better reading on the same mosaics."""
    told: dict[str, object] = {"network": network, "method": variant.name}
    above = found["focus"] - gradient[: len(found["focus"])]
    for name, values in (*found.items(), ("above the gradient", above)):
        cases = values[np.isfinite(values)]
        told |= {name: round(float(cases.mean()), 3), f"{name}, 95 %": interval(cases)}
    return told | {"n": len(above)}


def table(network: str, trial: Trial) -> list[dict[str, object]]:
    """Every method on one network."""
    rows: list[dict[str, object]] = []
    gradient = np.zeros(0)
    for variant in VARIANTS[:-1]:  # from black is a question of baselines, and not of places
        count = max(4, round(len(trial.mosaics) * SHARES.get(variant.method, variant.share)))
        found = focused(trial, variant, count)
        if isinstance(found, str):
            rows.append({"network": network, "method": variant.name, "note": found})
            continue
        if variant.method == "gradient":  # the first of all
            gradient = max(found.values(), key=lambda values: float(np.nanmean(values)))
        rows.append(row(network, variant, found, gradient))
    return rows


def main() -> None:
    trials = {"SqueezeNet 1.1, photographs": photographs(), "ResNet-20, CIFAR-10": cifar()}
    rows = [one for name, trial in trials.items() for one in table(name, trial)]
    passed = True
    for name, goal in GOALS.items():
        mine = next(one for one in rows if one["network"] == name and one["method"] == "pullback")
        passed &= float(str(mine["above the gradient"])) >= goal
    claim = (
        "Focus mosaics, every method: the pullback is above the gradient by 0.05 on photographs with SqueezeNet and by "
        "0.08 on CIFAR-10 with a ResNet"
    )
    report("focus_mosaics", claim, rows, passed, MOSAICS)


if __name__ == "__main__":
    main()

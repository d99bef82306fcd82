"""The research log's questions about norms, dead units, views, heads, ensembles and augmentation: a row each, one seed.

Plane against car, one epoch of 5,000 pictures, scored on 5,000 held-out training pictures; the test set stays unread.
What differs is said: three classes (planes, cars, birds; 8,000 and 7,000 pictures); three epochs of 2,000 pictures
where augmentation is asked, since it helps where pictures are few. Differences of less than two points are within what
one seed can tell.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from _evidence import report
from _log import Asked, all_asked
from _whitebox import DATA, PAIR
from torch import Tensor

import cutaway as cw
from cutaway.metrics import unit_consistency
from cutaway.training.augmentations import Change, jiggled, shuffled
from cutaway.training.pictures import PREPROCESS, training_pictures

NARROW = ["whitening=8", "widths=[24, 32]"]
LOOKED = 1000  # held-out pictures on which single units are looked at
UNSCALED = "the same without its scale"
THREE = (*PAIR, "bird")
ALIKE = 0.5  # a correlation from which a unit is said not to mind


def looked_at() -> Tensor:
    """Held-out pictures, in [0, 1]."""
    _, held = training_pictures(DATA, PAIR, LOOKED, 1)
    assert held is not None
    return held.pictures.float() / 255


def in_pixels(change: Change) -> Change:
    """A change of normalised pictures, as one of pictures in [0, 1]."""
    mean, spread = (torch.tensor(each)[:, None, None] for each in (PREPROCESS.mean, PREPROCESS.std))
    return lambda pictures: change((pictures - mean) / spread) * spread + mean


def dead(model: cw.Model, _: dict[str, Any]) -> dict[str, Any]:
    """First-layer units that are above 0 at no place of any picture."""
    alive = [
        (cw.activations(model, some, ["layer1.act"])["layer1.act"] > 0).any(3).any(2).any(0)
        for some in looked_at().split(100)
    ]
    return {"dead first-layer units, %": round(100 * float((~torch.stack(alive).any(0)).float().mean()), 1)}


def consistent(model: cw.Model, _: dict[str, Any]) -> dict[str, Any]:
    """Units of the last layer that say the same of pictures with other colours."""
    found = {
        name: torch.tensor(unit_consistency(model, "layer2.conv", looked_at()[:500], in_pixels(change)).values)
        for name, change in (("jiggled", jiggled), ("shuffled", shuffled))
    }
    return {
        f"units alike {name}, %": round(100 * float((each >= ALIKE).float().mean()), 1) for name, each in found.items()
    } | {f"mean correlation {name}": round(float(each.mean()), 2) for name, each in found.items()}


def shallow(question: str, variant: str, *settings: str, **other: Any) -> Asked:
    """A variant of the recipe `shallow`, two narrow layers where nothing else is said."""
    return Asked(question, variant, "shallow", [*narrow(settings), *settings], **other)


def buckets(variant: str, *settings: str) -> Asked:
    """A variant of the recipe `buckets`."""
    return Asked("ensembles", variant, "buckets", [*narrow(settings), *settings])


def narrow(settings: Sequence[str]) -> list[str]:
    """What is small where the settings say nothing else."""
    return [each for each in NARROW if not any(one.split("=")[0] == each.split("=")[0] for one in settings)]


def three(variant: str, *settings: str) -> Asked:
    """The same with three classes."""
    return shallow("norms, three classes", variant, *settings, classes=THREE, held=7000)


def unit_deaths(variant: str, *settings: str) -> Asked:
    """A network whose first layer learns."""
    return shallow("dead first-layer units", variant, *settings, extra=dead)


def four(kernel: str) -> str:
    """The setting of four layers of one kind."""
    return f"kernels={json.dumps([kernel] * 4)}"


FREE = "whitening=0"  # the first layer reads pixels and learns
OFFSET = [FREE, 'kernels=["offset", "offset"]', "norm=none"]
FEW = {"epochs": 3, "held": 8000}
FOUR = ["widths=[24, 32, 32, 32]"]

QUESTIONS = [
    shallow("norms, two classes", "divides only"),
    shallow("norms, two classes", "batch normalisation", "norm=batch"),
    shallow("norms, two classes", UNSCALED, "norm=batch, no scale"),
    unit_deaths("no norm; Muon", FREE, "norm=none"),
    unit_deaths("no norm, offsets; Adam at 0.1", *OFFSET),
    unit_deaths("the same with noise", *OFFSET, "augment=noise"),
    shallow("colour", "as they are", extra=consistent),
    shallow("colour", "trained with jiggle", "augment=jiggle", extra=consistent),
    shallow("colour", "trained with shuffled channels", "augment=shuffle", extra=consistent),
    shallow("kernels, both layers", "plain"),
    shallow("kernels, both layers", "three perspectives", 'kernels=["perspective", "perspective"]'),
    shallow("kernels, both layers", "two scales", 'kernels=["scale", "scale"]'),
    shallow("last layer", "each place has its say"),
    shallow("last layer", "the whole picture", "head=whole"),
    shallow("last layer", "a window that slides", "head=window"),
    buckets("one backbone, one bucket", "backbones=1", "buckets=1", "widths=[24, 32]"),
    buckets("one as wide as four, best of four buckets", "backbones=1", "widths=[48, 64]"),
    buckets("four, one a bucket, best bucket", "widths=[12, 16]"),
    buckets("four, their mean", "widths=[12, 16]", "best=false"),
    shallow("four layers", "plain", *FOUR, four("plain"), layer="layer4.conv"),
    shallow("four layers", "positive", *FOUR, four("positive"), layer="layer4.conv"),
    shallow("four layers", "positive, against their mean", *FOUR, four("least"), layer="layer4.conv"),
    shallow("augmentation, 2,000 pictures", "flips alone", "shift=0", **FEW),
    shallow("augmentation, 2,000 pictures", "flips and 162 fixed changes", "shift=0", "augment=fixed", **FEW),
    three("divides only"),
    three("batch normalisation", "norm=batch"),
    three(UNSCALED, "norm=batch, no scale"),
]


def shown(rows: list[dict[str, Any]]) -> bool:
    """Whether the rows say what the claim says; two points are what one seed can tell."""
    told = {(row["question"], row["variant"]): row["accuracy, %"] for row in rows}
    scale = [
        abs(told[f"norms, {count} classes", "batch normalisation"] - told[f"norms, {count} classes", UNSCALED]) < 2
        for count in ("two", "three")
    ]
    alive = all(row.get("dead first-layer units, %", 0) == 0 for row in rows)
    plain = told["kernels, both layers", "plain"]
    better = min(told["kernels, both layers", "two scales"], told["last layer", "the whole picture"]) > plain + 2
    positive = abs(told["four layers", "positive, against their mean"] - told["four layers", "plain"]) < 2
    return all([*scale, alive, better, positive, told["four layers", "positive"] < 60])


def main() -> None:
    rows = all_asked(QUESTIONS)
    claim = (
        "The research log on norms, dead units, colour, kernels, heads, ensembles, four positive layers, augmentation: "
        "the scale of batch normalisation changes nothing, no first-layer unit dies, two scales and a last layer over "
        "the whole picture tell two points more, four positive layers learn as plain ones do, but only against a mean"
    )
    report("whitebox_log_layers", claim, rows, shown(rows), rows[0]["n"])


if __name__ == "__main__":
    main()

"""What makes gradients legible, lever by lever, beside B-cos: narrow networks, one epoch of 45,000 pictures, one seed.

All is measured on 5,000 training pictures that were held out; the test set stays unread. "Asked": the loss that wants
evidence for a class to lie on pictures of it (`training/evidence.py`). The judge of the noise test is a ResNet-20 with
public weights. Intervals over mosaics, pictures, or classes and sets of noise. Networks at length are in the table.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from _evidence import QUICK, SHARED, report, wilson
from _whitebox import DATA, drawn, trained

import cutaway as cw
from cutaway.data.cifar10 import LABELS
from cutaway.metrics import Measured, class_accuracy, contrast, exactness, recognised
from cutaway.training.pictures import training_pictures

HELD = 5000
COMMON = ["epochs=1", "widths=[32, 64, 96]", f"holdout={44_000 if QUICK else HELD}"]
LEVERS: list[tuple[str, str, list[str]]] = [
    ("no offsets, soft gates, contrast", "bias-free", ["evidence=0"]),
    ("asked, weight 0.3", "bias-free", ["evidence=0.3"]),
    ("asked, weight 1", "bias-free", ["evidence=1"]),
    ("moved by 0.25", "bias-free", ["evidence=0", "length=0.25"]),
    ("B-cos", "bcos", ["start=", "batch=250", "filter_rate=0.1"]),
]
"""(what it adds to the first row, recipe, settings)."""


def told(found: Measured) -> str:
    low, high = found.interval
    return f"{found.value:.3f} ({low:.3f} to {high:.3f})"


def row(lever: str, name: str, settings: list[str], judge: cw.Model) -> dict[str, Any]:
    """One network."""
    tag = "lever-" + re.sub(r"\W+", "-", lever)
    model, card = trained(name, [*COMMON, *settings], tag=tag)
    _, held = training_pictures(DATA, LABELS, HELD, 250)
    assert held is not None
    pictures, targets = held.pictures[:2000].float() / 255, held.targets[:2000]
    drawn(tag.lower().replace("-", "_"), model, pictures, targets)
    right, n = card["scores"]["accuracy"], card["scores"]["n"]
    return {
        "network": lever,
        "accuracy, %": round(100 * right, 1),
        "95 %": [round(100 * end, 1) for end in wilson(round(right * n), n)],
        "exactness, worst of 50": f"{max(exactness(model, pictures[:50]).values):.0e}",
        "class accuracy": told(class_accuracy(model, pictures, targets, n=20 if QUICK else 100)),
        "contrast": told(contrast(model, pictures[:50])),
        "recognised on noise": told(recognised(model, judge, groups=1 if QUICK else 4)),
        "seconds": card["training_seconds"],
    }


def main() -> None:
    judge = cw.load(f"resnet20@{SHARED}/models/resnet20_cifar10.safetensors")
    rows = []
    for lever in LEVERS:
        rows.append(row(*lever, judge))
        print(rows[-1], file=sys.stderr, flush=True)
    accuracies = {each["network"]: float(each["class accuracy"].split()[0]) for each in rows}
    claim = (
        "A network that is asked where its evidence lies puts more of it on the right class than one by any other lever"
    )
    passed = max(accuracies, key=lambda name: accuracies[name]).startswith("asked")
    report("whitebox_levers", claim, rows, passed, HELD)


if __name__ == "__main__":
    main()

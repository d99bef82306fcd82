"""`clear` beside the black box that it begins as, and its rivals where they are trained.

`clear` is read as W(x), its linear map for one picture (the gradient, gates held), and by its plain gradient; the black
box also as r g(x / r), r the picture's contrast, whose gradients add up with nothing trained again. PGD-20 (L2 0.5) is
told on the first 100 test pictures, of the robust network on the first 500; legibility is measured on the first 1,000
or the first 100. What of the answer is in the map: "deaf to answers" is the same network with its last gates open, and
"the answers that clear hears" what its gating stream and its adviser hold together. A rival's second row shows what of
contrast is free: which vector classes are told against changes no probability. Intervals over pictures, mosaics
(chance 0.111), or classes and sets of noise (chance 0.1).

    python evidence/whitebox_clear.py --rivals    trains a robust and a B-cos network first (an hour)
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from _clear import ROBUST as ROBUSTLY
from _evidence import QUICK, report
from _legible import ATTACKED, READINGS, Pictures, figure, judge, kept, legible, told
from _whitebox import IMAGES, RUNS, drawn, examined, trained
from torch import Tensor, nn

import cutaway as cw
from cutaway.data.cifar10 import LABELS
from cutaway.metrics.gallery import as_picture, toward
from cutaway.nets.zoo import WEIGHTS
from cutaway.nets.zoo.clear_net import ClearNet
from cutaway.report.drawing import heat, png, tile
from cutaway.training.pictures import PREPROCESS
from cutaway.whitebox import AnswerGate, Contrast, Homogeneous
from cutaway.whitebox.homogeneous import contrast_of

MOSAICS = 20 if QUICK else 1000
WANTED = 94.0
NOISE = "recognised on noise"
ROBUST = "adversarially trained"
ALONE, ANSWERS = "clear, deaf to answers", "the answers that clear hears"
HOMOGENEOUS = "the same, made homogeneous"
MIDDLE = ", against the middle"  # a rival whose classes stand against their middle, as those of `clear` do
RIVALS: dict[str, tuple[str, list[str]]] = {
    ROBUST: ROBUSTLY,
    "B-cos": ("bcos", []),
}
"""Row -> recipe and settings; left out where no run lies in out/ and none is asked for."""


def networks() -> list[tuple[str, cw.Model, tuple[str, ...]]]:
    """(name, network, the ways in which it is read)."""
    box, clear = cw.load("cifar10"), cw.load("clear")
    found = [
        ("clear", clear, ("gradient", "plain")),
        (ALONE, cw.Model(unanswered(clear), PREPROCESS, LABELS, name="clear"), ("gradient",)),
        (ANSWERS, cw.Model(Answers(clear.module).eval(), PREPROCESS, LABELS, name="answers"), ("gradient",)),
        ("black box (cifar10)", box, ("gradient",)),
        (HOMOGENEOUS, homogeneous(box), ("gradient",)),
    ]
    for row, (name, settings) in RIVALS.items():
        if "--rivals" in sys.argv or (RUNS / name / "seed0" / "card.json").exists():
            rival = trained(name, settings)[0]
            against = nn.Sequential(rival.module, Contrast("middle")).eval()
            found.append((row, rival, ("gradient",)))
            found.append((f"{row}{MIDDLE}", cw.Model(against, PREPROCESS, LABELS, name=name), ("gradient",)))
    return found


def unanswered(clear: cw.Model) -> nn.Module:
    """`clear` that listens to no answer: all that its values say."""
    alone = copy.deepcopy(clear.module)
    assert isinstance(alone, ClearNet)
    alone.answered = AnswerGate(0.0)
    return alone.eval()


class Answers(nn.Module):
    """What `clear` listens to: its gating stream and its advisers, as log probabilities less their mean over classes.

    (With what all classes share left in, their gradients would look alike.)
    """

    def __init__(self, clear: nn.Module) -> None:
        super().__init__()
        assert isinstance(clear, ClearNet)
        self.clear, self.contrast = clear, Contrast()

    def forward(self, pictures: Tensor) -> Tensor:
        seen = pictures / contrast_of(pictures)
        told: Tensor = self.contrast(self.clear.answer(seen, self.clear.gating(seen)[1]).log())
        return told


def homogeneous(box: cw.Model) -> cw.Model:
    """The same layers behind a picture of contrast one: nothing trained again."""
    return cw.Model(Homogeneous(*box.module.children()).eval(), PREPROCESS, LABELS, name="homogeneous")


def rows_of(
    name: str, model: cw.Model, readings: tuple[str, ...], data: Pictures, by: cw.Model
) -> list[dict[str, Any]]:
    """One network, a row for each reading: measured now, or as an earlier run has measured these weights."""
    found = []
    for index, reading in enumerate(readings):
        row: dict[str, Any] = {"network": name, "read by": READINGS[reading]}
        moved = 5 * ATTACKED if name == ROBUST else ATTACKED

        def measure(
            first: bool = not index and MIDDLE not in name, reading: str = reading, moved: int = moved
        ) -> dict[str, Any]:
            return (told(model, data, moved) if first else {}) | legible(model, reading, data, by, MOSAICS)

        found.append(row | kept(model, row | {"moved": moved, "mosaics": MOSAICS, "of": len(data[1])}, measure))
        print(found[-1], file=sys.stderr, flush=True)
    return found


@torch.no_grad()
def said(model: cw.Model, pictures: Tensor) -> Tensor:
    """The class of each picture."""
    return torch.cat([model(some).argmax(1) for some in pictures.split(500)])


def beside(shown: Sequence[cw.Model], data: Pictures) -> None:
    """The figure: for each network the gradients of ten pictures toward their class, and each pixel's share of it."""
    pictures, targets = data
    chosen = [int((targets == number).nonzero()[2]) for number in range(len(LABELS))]
    rows = []
    for model in shown:
        found = toward(model, pictures[chosen], targets[chosen].tolist())
        rows.append([as_picture(one.slopes[0]) for one in found])
        rows.append([heat(one.shares.double().numpy(), signed=True) for one in found])
    (IMAGES / "clear.png").write_bytes(png(tile(rows, 64, gap=3)))


def main() -> None:
    data, by = examined(LABELS, 300 if QUICK else None), judge()
    rows: list[dict[str, Any]] = []
    examined_ones = networks()
    beside([model for name, model, _ in examined_ones if MIDDLE not in name and name not in (ALONE, ANSWERS)], data)
    by_clear = said(examined_ones[0][1], data[0])
    for name, model, readings in examined_ones:
        found = rows_of(name, model, readings, data, by)
        if name in (ALONE, ANSWERS):
            alike = (said(model, data[0]) == by_clear).float().mean()
            found[0]["says the same as clear, %"] = round(100 * float(alike), 2)
        rows += found
    drawn("clear_classes", examined_ones[0][1], *data)
    card = json.loads((WEIGHTS / "clear.json").read_text())
    rows[0] |= {"parameters": card["parameters"], "bytes": card["bytes"]}
    named = {row["network"]: row for row in reversed(rows)}  # of two readings of a network the first
    claim = (
        f"`clear`: {WANTED} % on ten classes, every score a sum over pixels; its evidence for a class lies on that "
        "class more than a robust network's or a B-cos network's, and its gradients differ more from class to class"
    )
    report("whitebox_clear", claim, rows, rows[0]["accuracy, %"] >= WANTED and beats(named), len(data[1]))


def beats(named: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether `clear` is more legible than both rivals, which are as good as they have to be."""
    if not set(RIVALS) <= set(named):
        return False
    mine, robust, aligned = named["clear"], *(named[rival] for rival in RIVALS)
    good = robust["accuracy, %"] >= 80 and robust["PGD-20, %"] >= 55 and aligned["accuracy, %"] >= 90
    placed = all(figure(mine, "class accuracy") >= figure(each, "class accuracy") for each in (robust, aligned))
    apart = all(figure(mine, "contrast") < figure(each, "contrast") for each in (robust, aligned))
    return good and placed and apart and figure(mine, NOISE) >= 0.8 * figure(robust, NOISE)


if __name__ == "__main__":
    main()

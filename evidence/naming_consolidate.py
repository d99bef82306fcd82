"""Consolidation of planted groups: units of one meaning under different names, and loners between them."""

from __future__ import annotations

import numpy as np
from _evidence import bootstrap, report, wilson
from sklearn.metrics import adjusted_rand_score

from cutaway.naming import Name, UnitNames, consolidate
from cutaway.naming.vocabulary import kinds

SEEDS = (0, 1, 2, 3, 4)
GROUPS, LONERS = 8, 6
KINDS = ("bird", "fish", "dog", "flower", "tree", "car", "boat", "aircraft", "fruit", "vegetable", "seat", "garment")
THINGS = ("wall", "roof", "petals", "car", "door", "hat", "wheels", "window")
ADJECTIVES = ("red", "scarlet", "crimson", "dark red")
ALONE = (
    "spiral",
    "campfire",
    "escalator",
    "accordion",
    "fog",
    "keyboard",
    "tarantula",
    "number plate",
    "moon",
    "bubble",
)


def main() -> None:
    rands, names, loners = [], [], []
    for seed in SEEDS:
        units, truth, called = layer(np.random.default_rng(seed))
        found = consolidate(units)
        label = {unit: i for i, group in enumerate(found.groups) for unit in group.units}
        label |= {unit: 1000 + i for i, unit in enumerate(found.outliers)}
        rands.append(float(adjusted_rand_score(truth, [label[unit.unit] for unit in units])))
        for group, name in enumerate(called):
            inside = {unit.unit for unit, own in zip(units, truth, strict=True) if own == group}
            best = max(found.groups, key=lambda each: len(inside & set(each.units)))
            names.append(best.name == name)
        loners += [unit.unit in found.outliers for unit, own in zip(units, truth, strict=True) if own >= GROUPS]
    low, high = bootstrap(rands)
    rows = [{"what": "adjusted Rand index", "value": float(np.mean(rands)), "interval": [low, high], "asked": 0.8}]
    for what, marks in (("groups called by the right name", names), ("outliers found", loners)):
        bounds = list(wilson(sum(marks), len(marks)))
        rows.append({"what": what, "value": sum(marks) / len(marks), "interval": bounds, "asked": 0.8, "n": len(marks)})
    claim = f"Planted groups of units are found again and called by the right name ({len(SEEDS)} seeds)"
    report("naming_consolidate", claim, rows, all(row["interval"][0] >= 0.8 for row in rows), len(SEEDS))


def layer(draw: np.random.Generator) -> tuple[list[UnitNames], list[int], list[str]]:
    """Half of the groups are kinds ("bird": finch, heron, owl), half one look of one thing ("wall"); then loners."""
    below: dict[str, list[str]] = {}
    for word, above in kinds().items():
        if above:
            below.setdefault(above[0], []).append(word)
    called = [*draw.permutation(KINDS)[: GROUPS // 2].tolist(), *draw.permutation(THINGS)[: GROUPS // 2].tolist()]
    texts: list[tuple[str, int]] = []
    for number, name in enumerate(called):
        told = draw.permutation(below[name])[:5] if number < GROUPS // 2 else [f"{a} {name}" for a in ADJECTIVES]
        texts += [(str(text), number) for text in told]
    texts += [(str(text), GROUPS + i) for i, text in enumerate(draw.permutation(ALONE)[:LONERS])]
    order = draw.permutation(len(texts))
    units = [UnitNames(f"u:{i}", (Name(texts[k][0], 0.8, 1e-6),), False, "") for i, k in enumerate(order)]
    return units, [texts[k][1] for k in order], called


if __name__ == "__main__":
    main()

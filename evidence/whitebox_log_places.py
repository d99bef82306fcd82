"""The research log on parts that cluster on one place: how far apart they lie, with and without what spreads them.

Birds, 12 classes, SqueezeNet frozen and cut at its deepest; one seed. On each of the 341 test pictures: the places, on
a grid of 13 x 13, where its own class's five prototypes lie, and where the four parts of each prototype lie. "apart":
the mean distance of two of them, in places. Two random places are 6.8 apart, and 0.6 % of such pairs coincide.
Prototypes begin as patches that stand out and are moved for eight epochs, then they are patches and the head is solved
for. Dissimilarity compares softmaxes of the maps at the temperature of `BirdSettings`; at 1, as before, it could keep
nothing apart.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from _birds import ENCODER, birds, both_sides, places_on
from _evidence import QUICK, bootstrap, report, wilson
from torch import Tensor

import cutaway as cw
from cutaway.training.bird_features import Encoded
from cutaway.training.birds import BirdSettings, learned, scores
from cutaway.whitebox import DeformablePrototypeLayer, PrototypeLayer
from cutaway.whitebox.prototypes import Prototypes

SETTINGS = BirdSettings(per_class=5, distinct=0.8, decay=3e-3, epochs=2 if QUICK else 8, rate=1e-3)


def one_place(classes: int) -> Prototypes:
    """ProtoPNet: a prototype is one place."""
    return PrototypeLayer(SETTINGS.channels, classes, SETTINGS.per_class)


def anywhere(classes: int) -> Prototypes:
    """Four parts, each free within three places of one and the same centre: directions taken away."""
    return DeformablePrototypeLayer(
        SETTINGS.channels, classes, SETTINGS.per_class, 4, reach=3, spacing=0, stiffness=0.0
    )


def directions(classes: int) -> Prototypes:
    """Four parts, each in its own direction, two places away from the centre or more."""
    return DeformablePrototypeLayer(
        SETTINGS.channels, classes, SETTINGS.per_class, 4, reach=3, inner=2, form="directions"
    )


KINDS: dict[str, Callable[[int], Prototypes]] = {
    "prototypes of one place": one_place,
    "four parts, no directions": anywhere,
    "four parts, four directions": directions,
}


def apart(places: Tensor) -> tuple[list[float], list[float]]:
    """Of (pictures, things, 2): each picture's mean distance of two things, and its share of pairs in one place."""
    first, second = torch.triu_indices(places.shape[1], places.shape[1], offset=1)
    distances = (places[:, first] - places[:, second]).double().norm(dim=2)
    return distances.mean(1).tolist(), (distances == 0).double().mean(1).tolist()


def told(name: str, places: Tensor) -> dict[str, Any]:
    """`apart` as columns."""
    distances, together = apart(places)
    return {
        f"{name}, apart": round(sum(distances) / len(distances), 2),
        f"{name}, 95 %": [round(end, 2) for end in bootstrap(distances)],
        f"{name}, in one place, %": round(100 * sum(together) / len(together), 1),
    }


def row(kind: str, dissimilarity: float, train: list[Encoded], test: Encoded) -> dict[str, Any]:
    """One kind of prototypes, trained with and without the loss that should keep them apart."""
    config = replace(SETTINGS, dissimilarity=dissimilarity)
    with tempfile.TemporaryDirectory() as folder:
        net = learned(config, train, 0, KINDS[kind], Path(folder), report=lambda _: None)
    scored, count = scores(net, test)["accuracy"], len(test.targets)
    own = net.prototypes.classes_of[None] == test.targets[:, None]
    places = places_on(net, test)[own].unflatten(0, (count, -1))  # pictures, prototypes of the class, parts, 2
    found = {
        "prototypes": kind,
        "dissimilarity": dissimilarity,
        "accuracy, %": round(100 * scored, 1),
        "95 %": [round(100 * end, 1) for end in wilson(round(scored * count), count)],
    }
    found |= told("prototypes", places.double().mean(2))
    if places.shape[2] > 1:
        found |= told("parts of one", places.flatten(0, 1))
    return found | {"n": count}


def main() -> None:
    model, rows = cw.load(ENCODER), []
    train, test = both_sides(model, "deep"), birds(model, "deep", "test")
    for kind in KINDS:
        for dissimilarity in (0.0, 5 * SETTINGS.dissimilarity):
            rows.append(row(kind, dissimilarity, train, test))
            print(rows[-1], file=sys.stderr, flush=True)
    found = {(each["prototypes"], each["dissimilarity"]): each for each in rows}
    spread = all(
        found[kind, 5 * SETTINGS.dissimilarity]["prototypes, apart"] > found[kind, 0.0]["prototypes, apart"]
        for kind in KINDS
    )
    directed, free = (
        found[f"four parts, {word}", 0.0]["parts of one, apart"] for word in ("four directions", "no directions")
    )
    claim = (
        "Parts that cluster on one place: dissimilarity keeps a class's prototypes apart, directions the parts of one"
    )
    report("whitebox_log_places", claim, rows, spread and directed > free, len(test.targets))


if __name__ == "__main__":
    main()

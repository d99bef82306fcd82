"""Birds, 12 classes: prototypes over SqueezeNet cut at three depths, that is with three receptive fields.

A part is consistent where the same part point is nearest in at least 8 of the 10 test pictures in which its prototype
fires most; a prototype of one place is its own only part, the others have two or four that move. Faithful: in each of
120 test pictures, the region where the answer's most weighty prototype fires (a square of a quarter of the picture's
side) is replaced by the mean colour, and so is a square of that size elsewhere; told is what each costs the score, as
a share of it. Part points of CUB-200-2011, on test pictures.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _birds import DATA, ENCODER, birds, both_sides, places_on
from _evidence import QUICK, bootstrap, report, wilson
from torch import Tensor

import cutaway as cw
from cutaway.core.seeds import generator
from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.training.birds import (
    FIELDS,
    GRID,
    BirdSettings,
    Depth,
    Encoded,
    bird_task,
    linear_head,
    opened,
    scores,
    trunk,
)
from cutaway.training.loop import fit
from cutaway.whitebox import DeformablePrototypeLayer, PrototypeLayer
from cutaway.whitebox.prototypes import Prototypes

DEPTHS: tuple[Depth, ...] = ("deep",) if QUICK else ("deep", "middle", "shallow")
SETTINGS = BirdSettings(epochs=4 if QUICK else 12, last=2 if QUICK else 4)
TOP, ENOUGH, COVERED = 10, 8, 20 if QUICK else 120


def layers(config: BirdSettings) -> dict[str, Any]:
    """The kinds of prototypes: one place; two parts that move near their anchors (deep alone, as they take longest);
    four parts in four directions."""
    size, each = config.channels, config.per_class
    kinds = {
        "protopnet": lambda classes: PrototypeLayer(size, classes, each),
        "deformable, anchors": lambda classes: DeformablePrototypeLayer(size, classes, each, 2, reach=1, spacing=2),
        "deformable, directions": lambda classes: DeformablePrototypeLayer(
            size, classes, each, 4, reach=2, form="directions"
        ),
    }
    return {kind: layer for kind, layer in kinds.items() if config.depth == "deep" or "anchors" not in kind}


def nearest_parts(net: PrototypeNet, data: Encoded) -> list[list[str]]:
    """For each part of each prototype: the point nearest to it in each picture in which the prototype fires most."""
    with torch.no_grad():
        likeness = torch.cat([net.prototypes(net.encoder(some)) for some in data.features.split(50)])
    places = places_on(net, data)
    found = []
    for prototype in range(likeness.shape[1]):
        chosen = likeness[:, prototype].topk(TOP).indices.tolist()
        for part in range(places.shape[2]):
            found.append([_nearest(data.parts[index], places[index, prototype, part]) for index in chosen])
    return found


def _nearest(parts: dict[str, tuple[float, float]], place: Tensor) -> str:
    y, x = ((place.double() + 0.5) / GRID).tolist()
    return min(parts, key=lambda name: (parts[name][0] - x) ** 2 + (parts[name][1] - y) ** 2, default="")


def faithfulness(model: cw.Model, depth: Depth, net: PrototypeNet, data: Encoded) -> tuple[list[float], list[float]]:
    """What the answer's score loses when the shown region is covered, and when another region of its size is."""
    cut, (dataset, _, _) = trunk(model, depth).eval(), opened(DATA, "test")
    shown, other, draw = [], [], generator(0, "elsewhere")
    with torch.no_grad():
        for index in range(0, len(dataset), max(1, len(dataset) // COVERED)):
            features = net.encoder(data.features[index : index + 1])
            scored = net.head(net.prototypes(features))[0]
            answer = int(scored.argmax())
            weights = net.head.weight[answer] * net.prototypes(features)[0]
            place = net.prototypes.places(features)[0, int(weights.argmax())].tolist()
            elsewhere = torch.randint(GRID, (2,), generator=draw).tolist()
            picture = model.preprocess.normalise(model.preprocess.fit(dataset[index].picture)[None])
            covered = torch.cat([_covered(picture, place), _covered(picture, elsewhere)])
            after = net.head(net.prototypes(net.encoder(cut(covered))))[:, answer]
            loss = ((scored[answer] - after) / scored[answer].abs()).tolist()
            shown.append(loss[0])
            other.append(loss[1])
    return shown, other


def _covered(picture: Tensor, place: list[int]) -> Tensor:
    """The picture without a square of a quarter of its side around a place of the grid; 0 is the mean colour."""
    size, half = picture.shape[-1], picture.shape[-1] // 8
    y, x = (round((each + 0.5) / GRID * size) for each in place)
    gone = picture.clone()
    gone[..., max(0, y - half) : y + half, max(0, x - half) : x + half] = 0
    return gone


def row(depth: Depth, kind: str, layer: Any, train: list[Encoded], test: Encoded, model: cw.Model) -> dict[str, Any]:
    """One kind of prototypes at one depth."""
    task = bird_task(replace(SETTINGS, depth=depth), train, 0, layer)
    with tempfile.TemporaryDirectory() as folder:
        fit(task, Path(folder), report=lambda line: print(kind, line, file=sys.stderr, flush=True))
    net = task.module
    assert isinstance(net, PrototypeNet)
    assert isinstance(net.prototypes, Prototypes)
    told = scores(net, test)
    same = [Counter(parts).most_common(1)[0][1] >= ENOUGH for parts in nearest_parts(net, test)]
    shown, other = faithfulness(model, depth, net, test)
    return {
        "depth": depth,
        "field, pixels": FIELDS[depth],
        "network": kind,
        "accuracy, %": round(100 * told["accuracy"], 1),
        "95 %": [round(100 * end, 1) for end in wilson(round(told["accuracy"] * told["n"]), int(told["n"]))],
        "consistent parts, %": round(100 * float(np.mean(same)), 1),
        "of": len(same),
        "score lost, shown region": round(float(np.mean(shown)), 3),
        "shown, 95 %": [round(end, 3) for end in bootstrap(shown)],
        "score lost, elsewhere": round(float(np.mean(other)), 3),
        "n": told["n"],
    }


def main() -> None:
    model, rows = cw.load(ENCODER), []
    for depth in DEPTHS:
        train, test = both_sides(model, depth), birds(model, depth, "test")
        linear = scores(linear_head(train), test)
        rows.append(
            {
                "depth": depth,
                "field, pixels": FIELDS[depth],
                "network": "linear head",
                "accuracy, %": round(100 * linear["accuracy"], 1),
                "95 %": [
                    round(100 * end, 1) for end in wilson(round(linear["accuracy"] * linear["n"]), int(linear["n"]))
                ],
                "n": linear["n"],
            }
        )
        for kind, layer in layers(replace(SETTINGS, depth=depth)).items():
            rows.append(row(depth, kind, layer, train, test, model))
            print(rows[-1], file=sys.stderr, flush=True)
    deep = {each["network"]: each for each in rows if each["depth"] == "deep"}
    best = deep["linear head"]["accuracy, %"]
    near = all(each["accuracy, %"] >= best - 5 for each in deep.values())
    higher = deep["deformable, directions"]["consistent parts, %"] > deep["protopnet"]["consistent parts, %"]
    claim = (
        "Birds: a linear head 65 %, prototypes within 5 points of it; with directions they are more often on one part "
        "than without"
    )
    report("whitebox_birds", claim, rows, best >= 65 and near and higher, 341)


if __name__ == "__main__":
    main()

"""Birds, 12 classes: prototypes over SqueezeNet cut at three depths, that is with three receptive fields.

Prototypes of all kinds begin as patches of training pictures that stand out there (`whitebox.prominence`), and stay
those patches: nothing is drawn by lot. At the deepest cut, both kinds are also told after twelve epochs have moved
them, three seeds. Every head, the linear one to compare with, too, is the best there is for the training birds and one
decay of squared weights.

A part is consistent where the same part point is nearest in at least 8 of the 10 test pictures in which its prototype
fires most; a prototype of one place is its own only part, the others have two or six that move. "sides as one": left
and right eye, wing and leg count as one point. The interval is over prototypes, since parts of one are much alike.
Faithful: in each of 120 test pictures, the region where the answer's most weighty prototype fires (a square of a
quarter of the picture's side) is replaced by the mean colour, and so is a square of that size elsewhere; told is what
each costs the answer's lead, as a share of it: its score less the mean over classes, for what is added to all scores
alike decides nothing, and without a bias it is much. Part points are those of CUB-200-2011; settings were chosen on
training birds.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _birds import DATA, ENCODER, birds, both_sides, looked_at, places_on
from _evidence import QUICK, bootstrap, report, wilson
from torch import Tensor

import cutaway as cw
from cutaway.core.seeds import generator
from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.training.bird_features import FIELDS, GRID, Depth, Encoded, opened, seen, trunk
from cutaway.training.birds import BirdSettings, learned, likeness, linear_head, scores
from cutaway.whitebox import DeformablePrototypeLayer, PrototypeLayer

DEPTHS: tuple[Depth, ...] = ("deep",) if QUICK else ("deep", "middle", "shallow")
SETTINGS = BirdSettings(per_class=10) if QUICK else BirdSettings()
MOVED = replace(SETTINGS, epochs=2 if QUICK else 12)
NEARLY = 0.5  # of ProtoPNet's likeness: of features of length one, any less asks whether a patch is the prototype's own
MARK, SEEDS = ", moved", 1 if QUICK else 3
SIDES = {"11": "7", "12": "8", "13": "9"}  # right eye, leg, wing: left ones, by the numbers of CUB-200-2011
TOP, ENOUGH, COVERED = 10, 8, 20 if QUICK else 120


def layers(config: BirdSettings) -> dict[str, Any]:
    """The kinds of prototypes: one place; two parts that move near their anchors (deep alone, as they take longest);
    six parts in six directions."""
    size, each = config.channels, config.per_class
    kinds = {
        "protopnet": lambda classes: PrototypeLayer(size, classes, each, epsilon=NEARLY),
        "deformable, anchors": lambda classes: DeformablePrototypeLayer(size, classes, each, 2, reach=1, spacing=2),
        "deformable, directions": lambda classes: DeformablePrototypeLayer(
            size, classes, each, 6, reach=3, inner=2, form="directions"
        ),
    }
    return {kind: layer for kind, layer in kinds.items() if config.depth == "deep" or "anchors" not in kind}


def nearest_parts(net: PrototypeNet, data: Encoded, depth: Depth) -> list[list[str]]:
    """For each part of each prototype: the point nearest to it in each picture in which the prototype fires most."""
    alike, places = likeness(net, data), places_on(net, data)
    found = []
    for prototype in range(alike.shape[1]):
        chosen = alike[:, prototype].topk(TOP).indices.tolist()
        for part in range(places.shape[2]):
            where = [(index, looked_at(places[index, prototype, part], depth)) for index in chosen]
            found.append([_nearest(data.parts[index], *place) for index, place in where])
    return found


def _nearest(parts: dict[str, tuple[float, float]], y: float, x: float) -> str:
    return min(parts, key=lambda name: (parts[name][0] - x) ** 2 + (parts[name][1] - y) ** 2, default="")


def consistent(parts: list[list[str]], prototypes: int) -> list[float]:
    """Of each prototype, the share, in %, of its parts with one name in ENOUGH pictures."""
    found = np.array([Counter(names).most_common(1)[0][1] >= ENOUGH for names in parts])
    shares: list[float] = (100 * found.reshape(prototypes, -1).mean(1)).tolist()
    return shares


def faithfulness(model: cw.Model, depth: Depth, net: PrototypeNet, data: Encoded) -> tuple[list[float], list[float]]:
    """What the answer's lead loses when the shown region is covered, and when another region of its size is."""
    cut, (dataset, _, _) = trunk(model, depth).eval(), opened(DATA, "test")
    lead = net.head.weight - net.head.weight.mean(0)
    shown, other, draw = [], [], generator(0, "elsewhere")
    with torch.no_grad():
        for index in range(0, len(dataset), max(1, len(dataset) // COVERED)):
            features = net.encoder(data.features[index : index + 1])
            alike = net.prototypes(features)[0]
            answer = int((lead @ alike).argmax())
            weights = lead[answer] * alike
            place = net.prototypes.places(features)[0, int(weights.argmax())]
            elsewhere = torch.randint(GRID, (2,), generator=draw)
            picture = seen(model, [dataset[index].picture])
            covered = torch.cat([_covered(picture, each, depth) for each in (place, elsewhere)])
            after = net.prototypes(net.encoder(cut(covered))) @ lead[answer]
            loss = (1 - after / weights.sum()).tolist()
            shown.append(loss[0])
            other.append(loss[1])
    return shown, other


def _covered(picture: Tensor, place: Tensor, depth: Depth) -> Tensor:
    """The picture without a square of a quarter of its side around a place of the grid; 0 is the mean colour."""
    size, half = picture.shape[-1], picture.shape[-1] // 8
    y, x = (round(each * size) for each in looked_at(place, depth))
    gone = picture.clone()
    gone[..., max(0, y - half) : y + half, max(0, x - half) : x + half] = 0
    return gone


def row(
    config: BirdSettings, kind: str, layer: Any, train: list[Encoded], test: Encoded, model: cw.Model, seed: int
) -> dict[str, Any]:
    """One kind of prototypes at one depth."""
    depth = config.depth
    with tempfile.TemporaryDirectory() as folder:
        said = partial(print, kind, file=sys.stderr, flush=True)
        net = learned(config, train, seed, layer, Path(folder), report=said)
    told = scores(net, test)
    parts = nearest_parts(net, test, depth)
    each = consistent(parts, net.head.in_features)
    sides = consistent([[SIDES.get(name, name) for name in names] for names in parts], net.head.in_features)
    shown, other = faithfulness(model, depth, net, test)
    return {
        "depth": depth,
        "field, pixels": FIELDS[depth],
        "network": kind,
        "seed": seed if config.epochs else None,
        "accuracy, %": round(100 * told["accuracy"], 1),
        "95 %": [round(100 * end, 1) for end in wilson(round(told["accuracy"] * told["n"]), int(told["n"]))],
        "consistent parts, %": round(float(np.mean(each)), 1),
        "consistent, 95 %": [round(end, 1) for end in bootstrap(each)],
        "sides as one, %": round(float(np.mean(sides)), 1),
        "of": len(parts),
        "lead lost, shown region": round(float(np.mean(shown)), 3),
        "shown, 95 %": [round(end, 3) for end in bootstrap(shown)],
        "lead lost, elsewhere": round(float(np.mean(other)), 3),
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
        kinds = layers(replace(SETTINGS, depth=depth))
        jobs = [(SETTINGS, kind, kind, 0) for kind in kinds]
        if depth == "deep":
            moving = [kind for kind in kinds if "anchors" not in kind]
            jobs += [(MOVED, kind, f"{kind}{MARK}", seed) for seed in range(SEEDS) for kind in moving]
        for config, kind, name, seed in jobs:
            rows.append(row(replace(config, depth=depth), name, kinds[kind], train, test, model, seed))
            print(rows[-1], file=sys.stderr, flush=True)
    claim = (
        "Birds: a linear head 65 %, prototypes within 5 points of it; with directions they are more often on one part "
        "than without"
    )
    report("whitebox_birds", claim, rows, shown(rows), 341)


def shown(rows: list[dict[str, Any]]) -> bool:
    """At the deepest cut: all near the linear head, directions ahead, left where they begin and, on average, moved."""
    deep = [each for each in rows if each["depth"] == "deep"]
    best = deep[0]["accuracy, %"]
    near = all(each["accuracy, %"] >= best - 5 for each in deep)

    def mean(network: str) -> float:
        return float(np.mean([each["consistent parts, %"] for each in deep if each["network"] == network]))

    ahead = [mean(f"deformable, directions{way}") > mean(f"protopnet{way}") for way in ("", MARK)]
    return best >= 65 and near and all(ahead)


if __name__ == "__main__":
    main()

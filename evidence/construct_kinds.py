"""What varies too much for one network is split into kinds: petals and disks of real daisies, and what that gains.

A part's looks are how large it is and its mean colour, in two clusters. The part that is found worst in one of them is
split: each kind learns by itself, with the other as its rival, and the part is read off either. Everything above is
trained again. The pictures, labels and first networks are those of `construct_daisies.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from _daisy_tree import finished, folder, how
from _evidence import QUICK, report
from sklearn.cluster import KMeans

from cutaway.construct import growing, learning
from cutaway.construct.figures import Figure, balanced, upsampled
from cutaway.construct.materials import Material, material
from cutaway.construct.operations import Operation, apply
from cutaway.construct.project import open_project
from cutaway.construct.tree import Tree, grown, maps, presence

PARTS, CLASS = ("disk", "petals"), "daisy"

PROJECT = open_project(folder(0))
STUFF = material(PROJECT)
TREE = grown(PROJECT)
DAISIES = np.array([flower.daisy for flower in finished(0)])


@dataclass(frozen=True)
class Kinds:
    """A part's two kinds: their ids, what tells them apart, and which kind (0, 1; -1 for none) each picture shows."""

    part: str
    names: tuple[str, str]
    which: np.ndarray


def kinds_of(part: str) -> Kinds:
    """Two clusters of what the part looks like in training pictures, carried over to all others."""
    shown = torch.nonzero(STUFF.present(part))[:, 0].tolist()
    looks = np.array([look_of(part, index) for index in shown])
    train = np.array([STUFF.splits[index] == "train" for index in shown])
    looks = (looks - looks[train].mean(axis=0)) / looks[train].std(axis=0)
    means = KMeans(2, n_init=10, random_state=0).fit(looks[train])
    found = means.predict(looks)
    gap = means.cluster_centers_[1] - means.cluster_centers_[0]
    words = (("small", "large"), ("dull", "bright"), ("reddish", "greenish"), ("yellowish", "bluish"))
    axis = int(np.abs(gap).argmax())
    low, high = words[axis] if gap[axis] > 0 else words[axis][::-1]
    which = np.full(len(STUFF.hashes), -1)
    which[shown] = found
    return Kinds(part, (f"{low}_{part}", f"{high}_{part}"), which)


def look_of(part: str, index: int) -> list[float]:
    """How large it is, how bright, how green against red, how blue against yellow."""
    mask = STUFF.masks[part][index]
    red, green, blue = (STUFF.pictures[index][:, mask].float().mean(dim=1) / 255).tolist()
    return [float(mask.float().mean().log()), red + green + blue, green - red, blue - (red + green) / 2]


def overlaps(tree: Tree, stuff: Material, part: str, where: torch.Tensor) -> np.ndarray:
    """IoU of a part's map with its labels in each picture."""
    field = maps(tree, stuff.pictures[where], [part])[part]
    inside = upsampled(field, stuff.pictures.shape[-1]) > tree.spec(part).level
    masks = stuff.masks[part][where]
    return ((inside & masks).flatten(1).sum(1) / (inside | masks).flatten(1).sum(1).clamp(min=1)).double().numpy()


def of_kind(kinds: Kinds, split: str, kind: int) -> torch.Tensor:
    where = STUFF.of(split)
    return where[torch.from_numpy(kinds.which[where.numpy()] == kind)]


def uneven(kinds: Kinds) -> float:
    """How much worse a part's map covers it in one of its kinds, on validation pictures."""
    means = [overlaps(TREE, STUFF, kinds.part, of_kind(kinds, "val", kind)).mean() for kind in (0, 1)]
    return float(abs(means[0] - means[1]))


def divided(kinds: Kinds) -> Material:
    """The material with the part split: masks of each kind, and the whole as any of them."""
    ontology = apply(STUFF.ontology, [Operation("split", kinds.part, {"into": list(kinds.names)})])
    whole = STUFF.masks[kinds.part]
    shows = {name: torch.from_numpy(kinds.which == kind) for kind, name in enumerate(kinds.names)}
    masks = {name: whole & shown[:, None, None] for name, shown in shows.items()}
    labelled = dict.fromkeys(kinds.names, STUFF.labelled[kinds.part])
    return replace(STUFF, masks={**STUFF.masks, **masks}, labelled={**STUFF.labelled, **labelled}, ontology=ontology)


def taught(stuff: Material, parts: tuple[str, ...]) -> Tree:
    """The tree with some parts and all above them trained again on some material, from the same seed."""
    again = {name for part in parts for name in (part, *stuff.ontology.above(part))}
    tree = Tree(stuff.ontology, {name: net for name, net in TREE.nets.items() if name not in again}, {})
    for node in stuff.ontology.order():
        if node in again:
            spec = how(node, growing.spec_of(PROJECT, stuff.ontology[node]))
            train, val = (growing.lesson(stuff, tree, node, spec, split) for split in ("train", "val"))
            tree = tree.with_net(node, learning.learn(spec, train, val).net)
    return tree


def told_apart(tree: Tree, stuff: Material) -> Figure:
    """Daisies and other flowers on held-out photographs, by folder, at the class's own threshold."""
    where = stuff.of("test")
    field = maps(tree, stuff.pictures[where], [CLASS])[CLASS]
    return balanced(presence(tree, CLASS, field).numpy() > 0, DAISIES[where.numpy()])


def compared(what: str, pair: Sequence[float], n: int) -> dict[str, object]:
    before, after = pair
    return {
        "what": what,
        "before": round(before, 3),
        "after": round(after, 3),
        "gain": round(after - before, 3),
        "n": n,
    }


def main() -> None:
    rows: list[dict[str, object]] = []
    found = {part: kinds_of(part) for part in PARTS}
    for part, kinds in found.items():
        counts = " and ".join(
            f"{name.replace('_', ' ')} ({int((kinds.which == k).sum())})" for k, name in enumerate(kinds.names)
        )
        rows.append(
            {
                "what": f"{part}: {counts}; IoU of its map in one kind below the other",
                "difference": round(uneven(kinds), 3),
            }
        )
    chosen = max(found.values(), key=uneven)
    stuff = divided(chosen)
    trees = (TREE, taught(stuff, chosen.names))
    gains = []
    for kind, name in enumerate(chosen.names):
        where = of_kind(chosen, "test", kind)
        covered = [float(overlaps(tree, stuff, chosen.part, where).mean()) for tree in trees]
        what = f"{chosen.part} split: IoU of its map, pictures with {name.replace('_', ' ')}"
        rows.append(compared(what, covered, len(where)))
        gains.append(covered[1] - covered[0])
    told = [told_apart(tree, stuff) for tree in trees]
    rows.append(compared("daisy or not: balanced accuracy", [one.value for one in told], told[0].n))
    gains.append(told[1].value - told[0].value)
    report(
        "construct_kinds",
        "the part of real flowers that varies most is split into kinds, and daisies are told apart no worse for it",
        rows,
        QUICK or (gains[-1] >= 0 and max(gains) > 0),
        told[0].n,
    )


if __name__ == "__main__":
    main()

"""Leak checks: is a class read off its parts, or off something that its parts' maps smuggle past the reviewer?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from cutaway.construct.figures import balanced, rounded
from cutaway.construct.materials import Material, material
from cutaway.construct.project import Project
from cutaway.construct.tree import Change, Tree, classes, grown, maps, nothing, presence, truth

NEEDED = 0.10  # what a child must be worth
BLIND = 0.03  # what may be left of a class without any child
OUTSIDE = 0.05  # what may be read outside the object
HURTS = 0.02  # what true masks in a child's place may cost
HALO = 4  # pixels of 64 around an object that still count as it: maps are coarser than masks


def leaks(project: Project) -> list[dict[str, Any]]:
    """One row per class and test, on the test pictures."""
    tree, stuff = grown(project), material(project)
    where = stuff.of("test")
    pictures = stuff.pictures[where]
    names = classes(tree)
    done = maps(tree, pictures, names)
    rows = []
    for name in names:
        rows += _children(tree, name, stuff, where, done)
    rows.append(_outside(tree, names, stuff))
    return rows


def _children(
    tree: Tree, name: str, stuff: Material, where: Tensor, done: Mapping[str, Tensor]
) -> list[dict[str, Any]]:
    """Without each child, without all, and with the truth in their places."""
    children = tree.spec(name).inputs
    known = {node: field for node, field in done.items() if node != name}
    there, clear = stuff.present(name)[where].numpy(), stuff.clear(name)[where].numpy()

    def score(changed: Mapping[str, Change]) -> float:
        field = maps(tree, stuff.pictures[where], [name], changed, known)[name]
        return balanced(presence(tree, name, field).numpy()[clear] > 0, there[clear]).value

    whole = score({})
    rows = [_row(f"without {child}", name, whole - score({child: nothing}), "at least", NEEDED) for child in children]
    rows.append(_row("without any child", name, score(dict.fromkeys(children, nothing)) - 0.5, "at most", BLIND))
    masks = {child: truth(stuff.masks[child][where]) for child in children if child in stuff.masks}
    rows.append(_row("true masks as children", name, whole - score(masks), "at most", HURTS))
    return rows


def _outside(tree: Tree, names: tuple[str, ...], stuff: Material) -> dict[str, Any]:
    """Whether a reader that is taught to can tell the class from the children's maps where the object is not."""
    children = tuple(dict.fromkeys(child for name in names for child in tree.spec(name).inputs))
    seen, right = {}, {}
    for split in ("val", "test"):
        where = stuff.of(split)
        field = maps(tree, stuff.pictures[where], children)
        free = ~_grown_masks(stuff, names, where)
        seen[split] = np.concatenate([_summary(field[child].sigmoid(), free) for child in children], axis=1)
        right[split] = torch.stack([stuff.present(name)[where] for name in names], dim=1).float().argmax(dim=1).numpy()
    reader = LogisticRegression(max_iter=2000).fit(seen["val"], right["val"])
    share = float((reader.predict(seen["test"]) == right["test"]).mean())
    chance = float(np.bincount(right["test"]).max() / len(right["test"]))
    return _row("maps outside the object", "all classes", share - chance, "at most", OUTSIDE)


def _grown_masks(stuff: Material, names: tuple[str, ...], where: Tensor) -> Bool[Tensor, "n size size"]:
    whole = torch.zeros_like(stuff.masks[names[0]][where])
    for name in names:
        whole |= stuff.masks[name][where]
    reach = max(1, HALO * whole.shape[-1] // 64)
    return F.max_pool2d(whole[:, None].float(), 2 * reach + 1, 1, reach)[:, 0] > 0


def _summary(chances: Float[Tensor, "n 1 g g"], free: Bool[Tensor, "n size size"]) -> Float[np.ndarray, "n features"]:
    """A map outside the object, as the highest and the mean of each of 4 x 4 fields."""
    open_ground = -F.max_pool2d(-free[:, None].float(), free.shape[-1] // chances.shape[-1])
    left = chances * open_ground
    highest, mean = F.adaptive_max_pool2d(left, 4).flatten(1), F.adaptive_avg_pool2d(left, 4).flatten(1)
    summary: np.ndarray = torch.cat([highest, mean], dim=1).numpy()
    return summary


def _row(test: str, node: str, value: float, way: str, limit: float) -> dict[str, Any]:
    passed = value >= limit if way == "at least" else value <= limit
    says = f"{100 * value:+.1f} points; {way} {100 * limit:.0f}"
    return {"test": test, "node": node, "value": rounded(value), "limit": limit, "passed": bool(passed), "says": says}

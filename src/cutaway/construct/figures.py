"""A node's figures on whole pictures, each with its interval and n: does it know whether a part is there, and where?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cutaway.construct.materials import Material
from cutaway.construct.tree import Tree, maps, nothing, presence

Z = 1.96
DRAWS = 500
STEP = 6  # pixels of 64 that a picture is moved aside to see whether the peak moves along


@dataclass(frozen=True)
class Figure:
    """A share, the ends of its 95 % interval, and over how many pictures."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Figures:
    """One node on one split.

    children: what balanced accuracy loses without each child, and without any ("*"). shares: how much of what speaks
    for the part, where it is, is gone without each child: where any two of three settle it, none costs much by itself.
    """

    balanced_accuracy: Figure
    auroc: Figure
    pointing: Figure
    iou: Figure
    follows: Figure
    fires: float
    children: Mapping[str, float]
    shares: Mapping[str, float]

    def plain(self) -> dict[str, Any]:
        """The figures as JSON."""
        return asdict(self)


def measure(
    tree: Tree,
    node: str,
    stuff: Material,
    split: str = "test",
    known: Mapping[str, Tensor] | None = None,
) -> Figures:
    """The figures of a node on a split: at the thresholds of its spec, which came from validation pictures."""
    where = stuff.of(split)
    pictures = stuff.pictures[where]
    done = maps(tree, pictures, [node], known=known)
    there, clear = stuff.present(node)[where].numpy(), stuff.clear(node)[where].numpy()
    scores = presence(tree, node, done[node]).double().numpy()
    masks = stuff.masks[node][where]
    seen = torch.from_numpy(there & clear)
    lost, shares = ablations(tree, node, pictures, done, there, clear)
    return Figures(
        balanced_accuracy=balanced(scores[clear] > 0, there[clear]),
        auroc=auroc(scores[clear], there[clear]),
        pointing=pointing(done[node][seen], masks[seen]),
        iou=overlap(done[node][seen], masks[seen], tree.spec(node).level),
        follows=follows(tree, node, pictures[seen], masks[seen]),
        fires=rounded(float((scores > 0).mean())),
        children=lost,
        shares=shares,
    )


def ablations(
    tree: Tree,
    node: str,
    pictures: Tensor,
    done: Mapping[str, Tensor],
    there: Bool[np.ndarray, " n"],
    clear: Bool[np.ndarray, " n"],
) -> tuple[dict[str, float], dict[str, float]]:
    """What is lost when a child is nowhere, and when all are, in points and in shares; nothing for a leaf."""
    children = tree.spec(node).inputs
    if not children:
        return {}, {}
    known = {name: field for name, field in done.items() if name != node}

    def scores(names: tuple[str, ...]) -> Float[np.ndarray, " n"]:
        field = maps(tree, pictures, [node], dict.fromkeys(names, nothing), known)[node]
        found: np.ndarray = presence(tree, node, field).double().numpy()[clear]
        return found

    whole, bare, shown = scores(()), scores(children), there[clear]
    right = balanced(whole > 0, shown).value
    speaks = _speaking(tree, node, whole, bare, shown)
    lost, shares = {}, {}
    for child in children:
        without = scores((child,))
        lost[child] = rounded(right - balanced(without > 0, shown).value)
        gone = _speaking(tree, node, whole, without, shown)
        shares[child] = rounded(gone / max(speaks, 1e-9)) if shown.any() else 0.0
    lost["*"] = rounded(right - balanced(bare > 0, shown).value)
    return lost, shares


def _speaking(
    tree: Tree,
    node: str,
    whole: Float[np.ndarray, " n"],
    without: Float[np.ndarray, " n"],
    shown: Bool[np.ndarray, " n"],
) -> float:
    """How much of what speaks for the part is gone when some children are.

    Where the part is; for an answer read off children, some of which may speak against it, beyond where it is not.
    """
    if not shown.any():
        return 0.0
    gone = whole - without
    apart = tree.spec(node).answer == "children" and not shown.all()
    return float(gone[shown].mean() - (gone[~shown].mean() if apart else 0.0))


def balanced(fired: Bool[np.ndarray, " n"], there: Bool[np.ndarray, " n"]) -> Figure:
    """The mean of the shares of right answers with and without the part; each share with a case added on both sides."""
    shares, variance = [], 0.0
    for right in (fired[there], ~fired[~there]):
        count = len(right)
        shares.append(float(right.mean()) if count else 0.0)
        careful = (right.sum() + 1) / (count + 2)
        variance += careful * (1 - careful) / max(count, 1)
    value, half = sum(shares) / 2, Z * variance**0.5 / 2
    return Figure(rounded(value), rounded(max(0.0, value - half)), rounded(min(1.0, value + half)), len(fired))


def auroc(scores: Float[np.ndarray, " n"], there: Bool[np.ndarray, " n"]) -> Figure:
    """How often a picture with the part scores higher than one without; its interval after Hanley and McNeil (1982)."""
    yes, no = int(there.sum()), int((~there).sum())
    if not yes or not no:
        return Figure(0.5, 0.0, 1.0, len(there))
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse]  # ties share their rank
    value = float((ranks[there].sum() - yes * (yes + 1) / 2) / (yes * no))
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    spread = value * (1 - value) + (yes - 1) * (q1 - value**2) + (no - 1) * (q2 - value**2)
    half = Z * (max(spread, 0.0) / (yes * no)) ** 0.5
    return Figure(rounded(value), rounded(max(0.0, value - half)), rounded(min(1.0, value + half)), len(there))


def pointing(field: Float[Tensor, "n 1 g g"], masks: Bool[Tensor, "n size size"]) -> Figure:
    """How often the highest place of a map lies on the part (Zhang et al. 2016); pictures that show it alone."""
    return _share(_hits(field, masks))


def _hits(field: Float[Tensor, "n 1 g g"], masks: Bool[Tensor, "n size size"]) -> Bool[np.ndarray, " n"]:
    if not len(field):
        return np.zeros(0, dtype=bool)
    fine = upsampled(field, masks.shape[-1])
    hits = masks.flatten(1).gather(1, fine.flatten(1).argmax(dim=1, keepdim=True))[:, 0]
    alive = fine.flatten(1).amax(dim=1) > fine.flatten(1).amin(dim=1)  # a map without a highest place points nowhere
    return (hits & alive).numpy()


def upsampled(field: Float[Tensor, "n 1 g g"], size: int) -> Float[Tensor, "n size size"]:
    """Maps at the size of the pictures, interpolated linearly."""
    return F.interpolate(field, size=(size, size), mode="bilinear", align_corners=False)[:, 0]


def overlap(field: Float[Tensor, "n 1 g g"], masks: Bool[Tensor, "n size size"], level: float) -> Figure:
    """Mean intersection over union of the places above `level` with the mask; pictures that show the part alone."""
    if not len(field):
        return Figure(0.0, 0.0, 1.0, 0)
    inside = upsampled(field, masks.shape[-1]) > level
    values = ((inside & masks).flatten(1).sum(1) / (inside | masks).flatten(1).sum(1)).double().numpy()
    means = np.random.default_rng(0).choice(values, size=(DRAWS, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Figure(rounded(float(values.mean())), rounded(float(low)), rounded(float(high)), len(values))


def follows(tree: Tree, node: str, pictures: Tensor, masks: Bool[Tensor, "n size size"], most: int = 80) -> Figure:
    """How often the peak still lies on the part when the picture is moved aside: a map that loves a place does not."""
    step = max(2, STEP * pictures.shape[-1] // 64)
    hits: list[np.ndarray] = []
    for dy, dx in ((step, step), (-step, -step)):
        shifted = _moved(masks[:most, None].float(), dy, dx)[:, 0] > 0.5
        there = shifted.flatten(1).any(dim=1)
        if bool(there.any()):
            aside = _moved(pictures[:most][there].float(), dy, dx).round().to(torch.uint8)
            hits.append(_hits(maps(tree, aside, [node])[node], shifted[there]))
    return _share(np.concatenate(hits) if hits else np.zeros(0, dtype=bool))


def _moved(values: Float[Tensor, "n c h w"], dy: int, dx: int) -> Float[Tensor, "n c h w"]:
    """Moved down and to the right; the picture is continued by its own mirror image, masks with it."""
    reach = max(abs(dy), abs(dx))
    wide = F.pad(values, (reach, reach, reach, reach), mode="reflect")
    height, width = values.shape[-2:]
    return wide[..., reach - dy : reach - dy + height, reach - dx : reach - dx + width]


def _share(hits: Bool[np.ndarray, " n"]) -> Figure:
    """A share with its interval after Wilson (1927)."""
    n = len(hits)
    if not n:
        return Figure(0.0, 0.0, 1.0, 0)
    share, width = float(hits.mean()), Z * Z / n
    middle = (share + width / 2) / (1 + width)
    half = Z * (share * (1 - share) / n + width / (4 * n)) ** 0.5 / (1 + width)
    return Figure(rounded(share), rounded(middle - half), rounded(middle + half), n)


def accuracy(answer: Int[Tensor, " n"], right: Int[Tensor, " n"]) -> Figure:
    """The share of right answers."""
    return _share((answer == right).numpy())


def rounded(value: float) -> float:
    """Four digits: what is printed, stored and compared."""
    return round(float(value), 4)

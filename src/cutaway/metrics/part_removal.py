"""Part removal on PartWorld: do a map's parts matter as the map says? After FunnyBirds, with exact counterfactuals.

Hesse et al. 2023, "FunnyBirds: A Synthetic Vision Dataset for a Part-Based Analysis of Explainable AI Methods". An
item's attribution is the sum of the map over its mask; the class asked about is the network's answer.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.data.partworld import LABELS
from cutaway.metrics.correlation import rank_correlation
from cutaway.metrics.maps import Maps, Method, maps
from cutaway.metrics.measured import Measured, mean_of
from cutaway.metrics.removals import Items, Removals, Trial, deciding

THRESHOLDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4)
"""Shares of the items' positive attribution from which on an item counts as important."""

IRRELEVANT = 0.05
"""A loose thing is irrelevant if without it the score moves by less than this share of the most important item's."""

Sums = list[Float[np.ndarray, "_"]]
"""For each scene, the attribution of each item."""


def part_correctness(
    removals: Removals, method: Method, *, seed: int = 0, batch_size: int | None = None, **options: Any
) -> Measured:
    """Rank correlation, within each scene, of items' attribution and of how far the score falls without the item.

    1 is best, 0 is blind. Scenes with fewer than three items, or a constant map, are left out of n.
    FunnyBirds' single deletion.
    """
    sums = item_sums(removals, method, removals.answers, batch_size, **options)
    pairs = zip(sums, removals.importances(), strict=True)
    found = [rank_correlation(some, truth) for some, truth in pairs]
    return mean_of(np.array([np.nan if each is None else each for each in found]), seed)


def part_completeness(
    removals: Removals, method: Method, *, seed: int = 0, batch_size: int | None = None, **options: Any
) -> Measured:
    """Are the items that the map calls important enough for the answer, needed for it, and no irrelevant ones?

    Half of it is the mean of preservation (only important items left: same answer) and deletion (without them: another
    answer), half distractibility (loose things that don't move the score are called unimportant), at the threshold in
    THRESHOLDS that serves the method best; from 0 to 1. FunnyBirds' three checks of those names.
    """
    sums = item_sums(removals, method, removals.answers, batch_size, **options)
    truth = removals.importances()
    rows = [_complete(removals, [_important(t, s, limit) for t, s in zip(removals.trials, sums, strict=True)], truth)
            for limit in THRESHOLDS]  # fmt: skip
    return mean_of(max(rows, key=lambda row: float(np.mean(row))), seed)


def part_contrastivity(
    removals: Removals, method: Method, *, seed: int = 0, batch_size: int | None = None, **options: Any
) -> Measured:
    """Does the map change with the class asked about? Chance is 0.5.

    Every other class of the family shares one deciding part with the scene's. Of two such classes, the map for each
    should give the part that it shares more than the map for the other gives it. FunnyBirds' target sensitivity.
    """
    shared = [_shared(trial) for trial in removals.trials]
    sums = [
        item_sums(removals, method, torch.tensor([each[rank][1] for each in shared]), batch_size, **options)
        for rank in range(3)
    ]
    scores = []
    for index, (trial, pairs) in enumerate(zip(removals.trials, shared, strict=True)):
        places = {rank: trial.items.index(path) for rank, (path, _) in enumerate(pairs) if path in trial.items}
        wins = [
            sums[one][index][places[one]] > sums[other][index][places[one]]
            for pair in combinations(places, 2)
            for one, other in (pair, pair[::-1])
        ]
        scores.append(float(np.mean(wins)) if wins else np.nan)
    return mean_of(np.array(scores), seed)


def item_sums(
    removals: Removals, method: Method, target: Tensor, batch_size: int | None = None, **options: Any
) -> Sums:
    """Each scene's map, added up over the mask of each item."""
    field, _ = maps(removals.model, method, removals.pictures, target, batch_size, **options)
    return sums_over(field, removals.trials)


def sums_over(field: Maps, trials: tuple[Trial, ...]) -> Sums:
    """Maps of scenes, added up over the mask of each item."""
    arrays = field.detach().cpu().double().numpy()
    return [np.array([array[mask].sum() for mask in t.masks.values()]) for array, t in zip(arrays, trials, strict=True)]


def _important(trial: Trial, sums: Float[np.ndarray, _], limit: float) -> Items:
    """The items that hold at least this share of the items' positive attribution."""
    positive = sums.clip(min=0)
    total = positive.sum()
    return frozenset(item for item, one in zip(trial.items, positive, strict=True) if total and one >= limit * total)


def _complete(removals: Removals, important: list[Items], truth: Sums) -> Float[np.ndarray, _]:
    numbered = list(enumerate(zip(removals.trials, important, strict=True)))
    kept = removals.logits([(index, frozenset(trial.items) - some) for index, (trial, some) in numbered])
    lost = removals.logits([(index, some) for index, (_, some) in numbered])
    same = (kept.argmax(1) == removals.answers).double().numpy()
    changed = (lost.argmax(1) != removals.answers).double().numpy()
    scores = (same + changed) / 2
    for index, (trial, some) in numbered:
        limit = IRRELEVANT * np.abs(truth[index]).max(initial=0)
        idle = {
            item
            for item, fall in zip(trial.items, truth[index], strict=True)
            if item in trial.loose and abs(fall) <= limit
        }
        if idle:
            scores[index] = (scores[index] + len(idle - some) / len(idle)) / 2
    result: Float[np.ndarray, _] = scores
    return result


def _shared(trial: Trial) -> list[tuple[str, int]]:
    """Each deciding part with the one other class of the family that has it of the same kind."""
    return [(path, LABELS.index(others[0])) for path, others in deciding(trial.scene.label).items()]

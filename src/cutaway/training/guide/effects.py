"""What else changed: the side effects of a guide, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class ClassEffect:
    """One class: pictures that it was the answer for before and after, and its recall where labels are known."""

    label: str
    before: int
    after: int
    recall_before: float | None
    recall_after: float | None


@dataclass(frozen=True)
class SideEffects:
    """The share of n pictures with another answer, how much scores moved, the accuracies, the classes that changed."""

    n: int
    changed: float
    mean_shift: float
    accuracy_before: float | None
    accuracy_after: float | None
    classes: tuple[ClassEffect, ...]


def side_effects(
    before: Float[np.ndarray, "pictures classes"],
    after: Float[np.ndarray, "pictures classes"],
    labels: Sequence[str],
    truth: Int[np.ndarray, " pictures"] | None = None,
) -> SideEffects:
    """Compares the scores before and after; only classes whose answers or recall changed are listed."""
    first, second = before.argmax(axis=1), after.argmax(axis=1)
    classes = []
    for index, label in enumerate(labels):
        own = None if truth is None else truth == index
        recalls = [None if own is None or not own.any() else float((a[own] == index).mean()) for a in (first, second)]
        answers = int((first == index).sum()), int((second == index).sum())
        effect = ClassEffect(label, *answers, recalls[0], recalls[1])
        if effect.before != effect.after or recalls[0] != recalls[1]:
            classes.append(effect)
    right = [None if truth is None else float((answers == truth).mean()) for answers in (first, second)]
    shift = float(np.abs(after - before).mean())
    return SideEffects(len(first), float((first != second).mean()), shift, right[0], right[1], tuple(classes))

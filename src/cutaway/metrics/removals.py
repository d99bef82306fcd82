"""What a network answers when things are taken out of a PartWorld scene: the truth that part metrics compare with.

A scene's *items* are the object's parts that can be taken away without tearing it apart, and the loose things around
it (distractors, occluders, a planted mark). The scene without them is rendered again, so nothing is painted over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cutaway.core.errors import DataError
from cutaway.core.types import Logits, Picture, Pictures
from cutaway.data.partworld import CLASSES, LABELS, Scene, render, without_part
from cutaway.nets.model import Model

LEAST = 8  # pixels that must show of an item
CHUNK = 64  # scenes without something, rendered and answered at once

Items = frozenset[str]


@dataclass(frozen=True)
class Trial:
    """One scene: its picture, the class it is of, and its items with the pixels that each has any influence on."""

    scene: Scene
    label: int
    picture: Picture
    masks: Mapping[str, Bool[np.ndarray, "size size"]]
    loose: Items

    @property
    def items(self) -> tuple[str, ...]:
        """The names of the items: paths of parts ("head/beak"), then loose things ("distractor-1", "mark")."""
        return tuple(self.masks)

    @property
    def parts(self) -> tuple[str, ...]:
        """The object's parts alone."""
        return tuple(item for item in self.masks if item not in self.loose)


class Removals:
    """A model's answers to scenes without any of their items; each is rendered and answered once.

    Raises DataError for a model that does not answer PartWorld's classes.
    """

    def __init__(self, model: Model, scenes: Sequence[Scene], size: int = 64) -> None:
        if not scenes:
            raise DataError("0 scenes; expected at least 1; try partworld:100?split=test")
        self.model, self.size = model, size
        self.trials = tuple(trial_of(scene, size) for scene in scenes)
        self.pictures: Pictures = torch.stack([trial.picture for trial in self.trials])
        self._known: dict[tuple[int, Items], Tensor] = {}
        whole = self.logits([(index, frozenset()) for index in range(len(self.trials))])
        if whole.shape[1] != len(LABELS):
            raise DataError(
                f"{model.name} answers {whole.shape[1]} classes; expected PartWorld's {len(LABELS)}; "
                "try --model partworld"
            )
        self.answers = whole.argmax(dim=1)

    def __len__(self) -> int:
        return len(self.trials)

    def logits(self, asked: Sequence[tuple[int, Items]]) -> Logits:
        """The model's logits for scenes (by number) without some of their items."""
        missing = [question for question in dict.fromkeys(asked) if question not in self._known]
        for start in range(0, len(missing), CHUNK):
            some = missing[start : start + CHUNK]
            pictures = torch.stack([self._picture(index, items) for index, items in some])
            with torch.no_grad():
                answered = self.model(pictures).float().cpu()
            self._known.update(zip(some, answered, strict=True))
        return torch.stack([self._known[question] for question in asked])

    def importances(self, averaged: bool = False) -> list[Float[np.ndarray, _]]:
        """For each scene and item, how far the answer's logit falls when the item is taken away.

        From the whole scene; or, `averaged`, parts also from the scene without any of the other parts, each way weighed
        as Shapley's value does. Where any two of three parts settle the answer, no single one is missed, but all count.
        """
        found = []
        for index, trial in enumerate(self.trials):
            without = [frozenset({item}) for item in trial.items]
            sets = [*without, *subsets(trial.parts)] if averaged else [frozenset[str](), *without]
            scores = self.logits([(index, items) for items in sets])[:, int(self.answers[index])].double().tolist()
            score = dict(zip(sets, scores, strict=True))
            fall = [score[frozenset()] - score[items] for items in without]
            if averaged:
                fall = [
                    shapley(item, trial.parts, score) if item in trial.parts else one
                    for item, one in zip(trial.items, fall, strict=True)
                ]
            found.append(np.array(fall))
        return found

    def _picture(self, index: int, items: Items) -> Picture:
        trial = self.trials[index]
        return _rendered(without_items(trial.scene, items), self.size)[0] if items else trial.picture


def trial_of(scene: Scene, size: int = 64) -> Trial:
    """The scene with its picture and its items of which something shows."""
    picture, masks = _rendered(scene, size)
    loose = [thing.name for thing in scene.things if thing.role != "object"]
    shown = [item for item in (*removable(scene), *loose) if masks[item].sum() >= LEAST]
    return Trial(
        scene, LABELS.index(scene.label), picture, {item: masks[item] for item in shown}, frozenset(loose) & {*shown}
    )


def removable(scene: Scene) -> tuple[str, ...]:
    """The object's parts that leave a whole when taken away: no two of them hold one another.

    A part whose kind decides the class counts whole, and so does one that carries nothing; of all others, what they
    carry.
    """
    decides = deciding(scene.label)
    found: list[str] = []
    for part in scene.whole.parts:
        inner = [f"{part.name}/{each.name}" for each in part.parts]
        found += [part.name] if part.name in decides or not inner else inner
    return tuple(found)


def deciding(label: str) -> Mapping[str, tuple[str, ...]]:
    """The parts whose kind differs within the class's family, by path, each with the classes that share its kind."""
    family = [plan.label for plan in CLASSES.values() if plan.family == CLASSES[label].family]
    kinds = {each: _kinds(each) for each in family}
    return {
        path: tuple(other for other in family if other != label and kinds[other][path] == kind)
        for path, kind in kinds[label].items()
        if len({kinds[other][path] for other in family}) > 1
    }


def subsets(items: Sequence[str]) -> list[Items]:
    """Every set of the items, the empty one first."""
    return [frozenset(some) for count in range(len(items) + 1) for some in combinations(items, count)]


def shapley(item: str, among: Sequence[str], score: Mapping[Items, float]) -> float:
    """What taking the item away costs, averaged over the orders in which all could be taken away.

    score: of the scene without each set of items. Shapley 1953, "A value for n-person games".
    """
    count, others = len(among), [other for other in among if other != item]
    return sum(
        (score[gone] - score[gone | {item}]) / (count * math.comb(count - 1, len(gone))) for gone in subsets(others)
    )


def without_items(scene: Scene, items: Iterable[str]) -> Scene:
    """The scene without some parts of its object and some of its loose things."""
    loose = {thing.name for thing in scene.things if thing.role != "object"}
    for item in sorted(set(items) - loose):
        scene = without_part(scene, item)
    return replace(
        scene, things=tuple(each for each in scene.things if each.role == "object" or each.name not in items)
    )


def _kinds(label: str) -> dict[str, str | None]:
    top = {part.name: part.kind for part in CLASSES[label].parts}
    return top | {f"{part.name}/{each.name}": each.kind for part in CLASSES[label].parts for each in part.parts}


def _rendered(scene: Scene, size: int) -> tuple[Picture, Mapping[str, Bool[np.ndarray, "size size"]]]:
    rendering = render(scene, size)
    picture = torch.from_numpy(np.ascontiguousarray(rendering.picture.transpose(2, 0, 1))).float().div_(255)
    return picture, rendering.masks

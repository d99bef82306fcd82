"""Which class is meant: an index, a label, one of them per picture, or the predicted class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.core.errors import TargetError, suggestion

Target: TypeAlias = "int | str | Int[Tensor, '...'] | Sequence[int] | None"
"""What `target=` takes everywhere."""


def label_index(label: str, labels: Sequence[str] | None, classes: int) -> int:
    """The class with that label; letter case is ignored, and one synonym of "tench, Tinca tinca" is enough."""
    if labels is None:
        if label.isdigit():
            return _checked(int(label), classes)
        raise TargetError(
            f'"{label}" names no class: the model has no labels; expected an index from 0 to {classes - 1}'
        )
    wanted = label.strip().casefold()
    for same in (
        lambda known: known == label,
        lambda known: known.casefold() == wanted,
        lambda known: wanted in [part.strip().casefold() for part in known.split(",")],
    ):
        found = [index for index, known in enumerate(labels) if same(known)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(map(str, found))
            raise TargetError(f'"{label}" is the label of {len(found)} classes ({listed}); expected one; try the index')
    if label.isdigit():
        return _checked(int(label), classes)
    raise TargetError(f'no class "{label}"; expected one of {len(labels)} labels{suggestion(label, labels)}')


def target_indices(
    target: Target, scores: Float[Tensor, "batch classes"], labels: Sequence[str] | None = None
) -> Int[Tensor, " batch"]:
    """One class index per picture; None = the class with the highest score (the only one, where there is one)."""
    batch, classes = scores.shape
    if target is None:
        return scores.detach().argmax(dim=1)
    if isinstance(target, str):
        target = label_index(target, labels, classes)
    if isinstance(target, int):
        return torch.full((batch,), _checked(target, classes), device=scores.device)
    indices = torch.as_tensor(target, device=scores.device)
    if indices.ndim == 0:
        indices = indices.expand(batch)
    if indices.shape != (batch,) or indices.is_floating_point():
        raise TargetError(
            f"target has shape {tuple(indices.shape)}; expected one class index for each of {batch} pictures"
        )
    for index in indices.unique().tolist():
        _checked(index, classes)
    return indices.long()


def _checked(index: int, classes: int) -> int:
    if not 0 <= index < classes:
        raise TargetError(f"no class {index}; expected an index from 0 to {classes - 1}")
    return index

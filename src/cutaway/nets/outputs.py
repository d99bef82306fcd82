"""What a network returns, whatever its shape, as scores (batch, classes); and the first tensor of any output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from torch import Tensor

from cutaway.core.errors import ModelError
from cutaway.core.types import Logits


def scores_of(output: object, batch: int, name: str = "the network") -> Logits:
    """The classifier's scores in an output: a tensor, the `logits` of a record, or the first of a tuple.

    One score per picture, (batch,), becomes (batch, 1). A ModelError where there are no such scores.
    """
    logits = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    scores = logits if isinstance(logits, Tensor) else first_tensor(output)
    if scores is not None and scores.ndim == 1 and scores.shape[0] == batch:
        scores = scores[:, None]
    if scores is not None and scores.ndim > 2 and scores[0, 0].numel() == 1:  # (batch, classes, 1, 1)
        scores = scores.flatten(1)
    if scores is None or scores.ndim != 2 or scores.shape[0] != batch or scores.shape[1] < 1:
        got = type(output).__name__ if scores is None else f"a tensor of shape {tuple(scores.shape)}"
        raise ModelError(f"{name} answered {got}; expected scores of shape (batch, classes); try a classifier")
    return scores


def first_tensor(output: object) -> Tensor | None:
    """The first tensor in an output: itself, or the first found in a tuple, mapping or dataclass."""
    if isinstance(output, Tensor):
        return output
    for each in _parts(output):
        found = first_tensor(each)
        if found is not None:
            return found
    return None


def with_first_tensor(output: Any, value: Tensor) -> Any:
    """The same output with its first tensor replaced; containers keep their types."""
    if isinstance(output, Tensor):
        return value
    if isinstance(output, tuple | list):
        parts = list(output)
        index = _first_index(parts)
        parts[index] = with_first_tensor(parts[index], value)
        return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)
    names = list(output) if isinstance(output, Mapping) else [field.name for field in fields(output)]
    name = names[_first_index(_parts(output))]
    if isinstance(output, dict):  # also the ordered records of transformers, which are dataclasses too
        return type(output)(**{**output, name: with_first_tensor(output[name], value)})
    return replace(output, **{name: with_first_tensor(getattr(output, name), value)})


def _parts(output: object) -> list[object]:
    if isinstance(output, Mapping):
        return list(output.values())
    if isinstance(output, tuple | list):
        return list(output)
    if is_dataclass(output) and not isinstance(output, type):
        return [getattr(output, field.name) for field in fields(output)]
    return []


def _first_index(parts: list[Any]) -> int:
    return next(index for index, part in enumerate(parts) if first_tensor(part) is not None)

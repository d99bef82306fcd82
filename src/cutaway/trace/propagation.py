"""Propagation: coordinates of places, carried along as a network runs, operation by operation.

Torch breaks every forward pass, however it is written, into a modest set of primitive operations. Those that only move
numbers move their coordinates in the same way; those that combine numbers combine the coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from cutaway.trace.coordinates import Coordinates, joined, nothing_like
from cutaway.trace.rules import RULES, Of, Rule, moved, pointwise, tensors, unknown


class Propagation(TorchDispatchMode):
    """While it is active, `coordinates(tensor)` knows where the numbers of each tensor of the pass come from."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch would import its whole compiler, more than a second, to keep it away from this mode."""
        return False

    def __init__(self, pictures: Tensor, start: Coordinates) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own has no annotations
        self._known = WeakIdKeyDictionary()
        self._known[pictures] = start

    def coordinates(self, tensor: Any) -> Coordinates | None:
        """The coordinates of a tensor's numbers; None where they do not come from the picture."""
        return self._known.get(tensor) if isinstance(tensor, Tensor) else None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if any(value in self._known for value in tensors((args, kwargs))):
            for tensor, found in self._found(func, args, result):
                self._known[tensor] = found
        return result

    def _found(self, func: Any, args: tuple[Any, ...], result: Any) -> list[tuple[Tensor, Coordinates]]:
        """The tensors of a result with their coordinates; of what a rule cannot do nothing is claimed."""
        try:
            pairs = _paired(result, self._rule(func)(self.coordinates, func, args, result))
            if all(found.shape == tensor.shape for tensor, found in pairs):
                return pairs
        except (RuntimeError, TypeError, ValueError, IndexError):  # arguments that the rule was not written for
            pass
        return _paired(result, unknown(self.coordinates, func, args, result))

    def _rule(self, func: Any) -> Rule:
        name = func._schema.name.removeprefix("aten::")
        if name == "copy_":
            return self._copied
        bare = name.removesuffix("_") if not name.endswith("__") else name
        if bare in RULES:
            return RULES[bare]
        if func.is_view:
            return moved
        return pointwise if torch.Tag.pointwise in func.tags else unknown

    def _copied(self, of: Of, func: Any, args: tuple[Any, ...], result: Any) -> Coordinates:
        """Writing into a tensor, often through a view of it: written into its coordinates, which are views as well."""
        into, source = of(args[0]), of(args[1])
        fresh = joined([source], result.shape) if source else nothing_like(result)
        if into is None or result._base is None:
            return fresh
        for old, new in zip((*into.places, *into.reach), (*fresh.places, *fresh.reach), strict=True):
            if 0 in old.stride():  # shared by several numbers: what it is a view of cannot be told apart any more
                self._known.clear()
                return unknown(of, func, args, result)[0]
            old.copy_(new)
        return into


def _paired(result: Any, found: Coordinates | Sequence[Coordinates] | None) -> list[tuple[Tensor, Coordinates]]:
    """The tensors of a result with their coordinates; those that a rule says nothing of come from no picture."""
    if found is None:
        return []
    return list(zip(tensors(result), [found] if isinstance(found, Coordinates) else found, strict=False))

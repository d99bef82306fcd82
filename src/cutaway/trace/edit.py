"""Edit: run a network with some of its units ablated or overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor, nn

from cutaway.core.errors import ForwardError, LayerError
from cutaway.core.types import Unit
from cutaway.nets.model import Model, as_model
from cutaway.trace.survey import layout
from cutaway.trace.taps import Tap, taps

Value: TypeAlias = "float | Tensor | Callable[[Tensor], Tensor | float]"
"""What a unit or layer becomes: a number, a tensor that broadcasts, or a function of what it was."""


@contextmanager
def edit(model: Model | nn.Module, changes: Mapping[str | Unit, Value]) -> Iterator[None]:
    """Inside the block the named units (`layer:channel`) or whole layers give the given values instead of their own.

    A function is given the unit's activations (batch, ...places) or the layer's whole output. Other threads wait.
    """
    inner = as_model(model)
    names = set(dict(inner.module.named_modules()))
    by_layer: dict[str, list[tuple[int | None, Value]]] = {}
    for change, value in changes.items():
        bare, _, call = str(change).partition("#")
        whole = isinstance(change, str) and bare in names and (not call or call.isdigit())
        unit = None if whole else Unit.parse(change)
        layer = str(change) if unit is None else unit.layer
        by_layer.setdefault(layer, []).append((None if unit is None else unit.channel, value))
    table = {layer: _apply(layer, edits, _channel_axis(model, layer, edits)) for layer, edits in by_layer.items()}
    with inner.in_use(), taps(inner.module, table):
        yield


def _channel_axis(model: Model | nn.Module, layer: str, edits: list[tuple[int | None, Value]]) -> int | None:
    """Where the layer has its channels; None where no unit is edited, or for a bare module that takes no pictures."""
    try:
        as_model(model).layer(layer)  # the error for an unknown layer, or one that is called several times
        return layout(model, layer).channel_axis if any(channel is not None for channel, _ in edits) else None
    except ForwardError:
        if isinstance(model, Model):
            raise
        return None


def _apply(layer: str, edits: list[tuple[int | None, Value]], known_axis: int | None) -> Tap:
    def tap(output: Tensor) -> Tensor:
        changed = output.clone()
        axis = 1 if known_axis is None else known_axis
        if known_axis is None and output.ndim != 2 and any(channel is not None for channel, _ in edits):
            raise LayerError(
                f'layer "{layer}" gave a tensor of shape {tuple(output.shape)} in a network that takes no pictures of '
                "224 x 224; expected (batch, channels); try cutaway.Model(module, preprocess=...)"
            )
        for channel, value in edits:
            if channel is None:
                changed = _new(value, changed).expand_as(output).clone()
                continue
            if channel >= output.shape[axis]:
                raise LayerError(
                    f'no unit "{layer}:{channel}"; expected a channel from 0 to {output.shape[axis] - 1} of {layer}'
                )
            place = changed.select(axis, channel)
            place.copy_(_new(value, place.clone()).expand_as(place))
        return changed

    return tap


def _new(value: Value, old: Tensor) -> Tensor:
    given = value(old) if callable(value) else value
    return torch.as_tensor(given, dtype=old.dtype, device=old.device)

"""Capture: the outputs of layers, from one pass that goes no further than it must."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cutaway.core.errors import LayerError, OptionError
from cutaway.core.types import Logits
from cutaway.nets import layers as tables
from cutaway.nets.layers import LayerInfo, find_layer
from cutaway.nets.model import Model, as_model
from cutaway.nets.outputs import scores_of
from cutaway.trace.taps import Tap, overwritten, taps


@dataclass(frozen=True)
class Trace(Mapping[str, Tensor]):
    """What one pass left behind: activations by layer name, and the logits if it went to the end."""

    activations: Mapping[str, Tensor]
    logits: Logits | None = None

    def __getitem__(self, layer: str) -> Tensor:
        return self.activations[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.activations)

    def __len__(self) -> int:
        return len(self.activations)


class _Enough(BaseException):
    """Leaves a pass as soon as all that was asked for is there; no handler in a network catches it by accident."""


def layer_table(model: Model | nn.Module, inputs: Tensor) -> tuple[LayerInfo, ...]:
    """The layers of a Model, or of a bare module as the first of the inputs passes through it."""
    if isinstance(model, Model):
        return model.layers()
    with as_model(model).in_use() as module:
        return tables.layer_table(module, lambda: module(inputs[:1]), tuple(inputs.shape[1:]))


def trace(
    model: Model | nn.Module,
    inputs: Tensor,
    layers: Sequence[str],
    *,
    logits: bool = True,
    cut: str | None = None,
) -> Trace:
    """One pass over the inputs, keeping the outputs of the layers, in the gradient mode of the caller.

    logits=False leaves the pass at the last of the layers. `cut` names a layer whose output becomes a leaf that
    requires gradients: what lies below it is not differentiated (and costs no memory). What is kept is what the layer
    gave, also where a later operation overwrites it in place.
    """
    inner = as_model(model)
    table = layer_table(model, inputs)
    for layer in layers:
        find_layer(layer, table, inner.name)
    forward = model if isinstance(model, Model) else _scores_of_module(inner.module)
    with watching() if torch.is_inference_mode_enabled() else contextlib.nullcontext():
        for _ in range(2):  # again only where a layer's output was overwritten unforeseen
            found = _pass(inner, forward, inputs, layers, logits, cut)
            if found is not None:
                return found
    raise LayerError(f"outputs of {inner.name} change in place from pass to pass; cannot be captured")


def activations(
    model: Model | nn.Module, pictures: Tensor, layers: Sequence[str], *, batch_size: int | None = None
) -> dict[str, Tensor]:
    """Outputs of layers over a batch of pictures in [0, 1], without gradients.

    Computes no layer beyond the last asked. `batch_size` bounds the memory that the pass itself needs.
    """
    if isinstance(layers, str):
        raise OptionError(f'layers is the text "{layers}"; expected a list of layer names; try ["{layers}"]')
    if batch_size is not None and batch_size < 1:
        raise OptionError(f"batch_size is {batch_size}; expected at least 1")
    with torch.no_grad():
        chunks = pictures.split(batch_size or max(1, len(pictures)))
        parts = [trace(model, chunk, layers, logits=False) for chunk in chunks]
    if len(parts) == 1:
        return dict(parts[0])
    return {layer: torch.cat([part[layer] for part in parts]) for layer in layers}


def _pass(
    model: Model,
    forward: Callable[[Tensor], Logits],
    inputs: Tensor,
    layers: Sequence[str],
    logits: bool,
    cut: str | None,
) -> Trace | None:
    """One pass; None if a layer's output was overwritten in place unforeseen, which the next pass will prevent."""
    kept: dict[str, Tensor] = {}
    versions: dict[str, int] = {}
    missing = set(layers)

    def keep(layer: str) -> Tap:
        def tap(output: Tensor) -> Tensor | None:
            value = output.detach().requires_grad_() if layer == cut else output
            kept[layer], versions[layer] = value, value._version
            missing.discard(layer)
            if not missing and not logits:
                raise _Enough
            return value.clone() if layer == cut or layer in fragile else None

        return tap

    answer: Logits | None = None
    with model.in_use() as module, contextlib.suppress(_Enough):
        fragile = overwritten.setdefault(module, set())
        with taps(module, {layer: keep(layer) for layer in layers}):
            answer = forward(inputs)
    if missing:
        raise LayerError(f"the pass never reached {', '.join(sorted(missing))}; expected layers that these inputs pass")
    changed = {layer for layer, value in kept.items() if value._version != versions[layer]}
    fragile |= changed
    return None if changed else Trace({layer: kept[layer] for layer in layers}, answer)


def _scores_of_module(module: nn.Module) -> Callable[[Tensor], Logits]:
    return lambda inputs: scores_of(module(inputs), len(inputs))


@contextlib.contextmanager
def watching() -> Iterator[None]:
    """Without gradients, and not in inference mode, where tensors do not count how often they are changed."""
    with torch.inference_mode(False), torch.no_grad():
        yield

"""Survey: one observed pass that finds, for every layer, how it is laid out and what its places see of the picture."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.seeds import generator
from cutaway.nets.layers import find_layer
from cutaway.nets.model import Model, as_model
from cutaway.trace.capture import layer_table, watching
from cutaway.trace.coordinates import Coordinates, of_pictures
from cutaway.trace.layout import Layout, axes_of, error, layout_from
from cutaway.trace.propagation import Propagation
from cutaway.trace.taps import Tap, taps

PICTURES = 2
"""How many pictures pass at once, so that the batch axis can be told from the others."""


@dataclass(frozen=True)
class Place:
    """What was found of one layer: its layout (None where there is none), its axes in words, and the boxes
    (top, left, bottom, right) in pixels that each place of its grid can depend on."""

    layout: Layout | None
    axes: str
    boxes: Float[Tensor, "4 rows columns"] | None


_surveys: weakref.WeakKeyDictionary[nn.Module, tuple[object, Mapping[str, Place]]] = weakref.WeakKeyDictionary()


def survey(model: Model | nn.Module, inputs: Tensor | None = None) -> Mapping[str, Place]:
    """Every layer by the name of its call, in the order of the layer table; remembered for each module.

    It is surveyed with noise: of the size of the inputs, or where there are none of the Model's own.
    """
    inner = as_model(model)
    forward = inner if isinstance(model, Model) or inputs is None else inner.module
    probe = probe_for(inner, inputs)
    table = layer_table(forward, probe)
    names = [name for info in table for name in info.names]
    signature = (tuple(probe.shape), tuple((name, id(layer)) for name, layer in inner.module.named_modules()))
    known = _surveys.get(inner.module)
    if known is not None and known[0] == signature:
        return known[1]
    seen: dict[str, tuple[Coordinates | None, torch.Size]] = {}
    pixels = probe.ndim == 4
    watch = Propagation(probe, of_pictures(probe)) if pixels else None

    def note(name: str) -> Tap:
        def tap(output: Tensor) -> None:
            seen[name] = (watch.coordinates(output) if watch else None, output.shape)

        return tap

    watched = {name: note(name) for name in names}
    with inner.in_use() as module, taps(module, watched), watching(), watch or nullcontext():
        forward(probe)
    ordered = {name: _place(*seen[name]) for name in names if name in seen}  # now that nothing is watched any more
    _surveys[inner.module] = (signature, ordered)
    return ordered


def layout(model: Model | nn.Module, layer: str, inputs: Tensor | None = None) -> Layout:
    """How a layer's output is laid out; a LayerError that names its axes where it cannot be."""
    found = find_place(model, layer, inputs)
    if found.layout is None:
        raise error(layer, as_model(model).name, found.axes)
    return found.layout


def find_place(model: Model | nn.Module, layer: str, inputs: Tensor | None = None) -> Place:
    """What was found of one layer; a LayerError with the nearest names where there is no such layer."""
    inner = as_model(model)
    table = inner.layers() if isinstance(model, Model) or inputs is None else layer_table(model, inputs)
    find_layer(layer, table, inner.name)
    return survey(model, inputs)[layer]


def layouts(model: Model | nn.Module, inputs: Tensor | None = None) -> dict[str, Layout]:
    """The layouts of all layers that have one, by the names of their calls, in the order of the layer table."""
    return {name: place.layout for name, place in survey(model, inputs).items() if place.layout is not None}


def probe_for(model: Model, inputs: Tensor | None) -> Tensor:
    """Noise of the shape and type of the inputs, or where there are none of the size that the Model takes."""
    shape = model.preprocess.shape if inputs is None else tuple(inputs.shape[1:])
    noise = torch.rand((PICTURES, *shape), generator=generator(0, "survey"))
    return noise.to(model.device) if inputs is None else noise.to(inputs)


def _place(found: Coordinates | None, shape: torch.Size) -> Place:
    made = layout_from(found, shape, PICTURES)
    axes = axes_of(found, shape, PICTURES)
    if made is None or found is None or made.axes == "channels":
        return Place(made, axes, None)
    thin = replace(made, channels=1)
    axis = made.channel_axis % len(shape)
    seen = [thin.to_grid(t.amax(dim=axis, keepdim=True))[0, 0] for t in found.map(lambda t: _thin(t, axis)).reach]
    return Place(made, axes, torch.stack([-seen[0], -seen[1], seen[2], seen[3]]).cpu())


def _thin(t: Tensor, axis: int) -> Tensor:
    return t.narrow(axis, 0, 1) if t.stride(axis) == 0 else t

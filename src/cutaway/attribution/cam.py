"""Class activation maps: where the channels of one layer fired, weighed by what they do to the score."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.attribution.attribution import Attribution, attributed
from cutaway.attribution.scores import (
    Answer,
    Forward,
    Inputs,
    Question,
    asked,
    gradient_of,
    join,
    name_of,
    plain,
    portions,
)
from cutaway.attribution.sharing import shared
from cutaway.core.errors import LayerError, ModelError, PictureError
from cutaway.core.types import Logits
from cutaway.nets.model import Model
from cutaway.nets.targets import Target
from cutaway.trace import Layout, Trace, layout, layouts, trace

Grid: TypeAlias = Float[Tensor, "batch channels rows columns"]
"""A layer's channels over its places."""

Places: TypeAlias = Float[Tensor, "batch rows columns"]
"""One number for each place of a layer."""


def grad_cam(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    layer: str | None = None,
    batch_size: int | None = None,
) -> Attribution:
    """The layer's channels, each weighed by its mean gradient, added up; only what argues for the score is kept.

    layer: defaults to the last one with a grid of places that the score depends on. Values are (batch, height, width),
    laid over the input bilinearly.
    Selvaraju et al. 2017, "Grad-CAM".
    """

    def summed(found: Grid, slopes: Grid) -> Places:
        return torch.einsum("bchw,bc->bhw", found, slopes.mean(dim=(2, 3)))

    return _cam("grad_cam", summed, Question(forward, inputs, target, versus, batch_size), layer)


def layer_cam(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    layer: str | None = None,
    batch_size: int | None = None,
) -> Attribution:
    """The layer's channels, each weighed place by place by its gradient where that is positive, added up.

    Unlike Grad-CAM it stays sharp at early layers. layer, values: as for `grad_cam`.
    Jiang et al. 2021, "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization".
    """

    def summed(found: Grid, slopes: Grid) -> Places:
        return (slopes.relu() * found).sum(dim=1)

    return _cam("layer_cam", summed, Question(forward, inputs, target, versus, batch_size), layer)


def _cam(method: str, summed: Callable[[Grid, Grid], Places], question: Question, layer: str | None) -> Attribution:
    """The weighed channels of a layer, added up, without what is negative, over the input."""
    module = with_layers(question.forward, method)
    layer = layer or last_grid(module, question.inputs, question.target)
    places = grid_of(module, question.inputs, layer)
    maps, parts = [], []
    for chunk, chosen, against in question.portions():
        found, slopes, said = at_layer(module, chunk, layer, chosen, against)
        maps.append(over_input(summed(places.to_grid(found), places.to_grid(slopes)).relu(), chunk))
        parts.append(said)
    return attributed(method, torch.cat(maps), join(parts), layer=layer)


def with_layers(forward: Forward, method: str) -> Model | nn.Module:
    """The Model or module itself; a ModelError for a callable, whose layers cannot be seen."""
    if isinstance(forward, Model | nn.Module):
        return forward
    raise ModelError(
        f"{method} looks into layers but was given {name_of(forward)}, a {type(forward).__name__}; "
        "expected a Model or a torch.nn.Module; try gradient, or another method that needs scores alone"
    )


def at_layer(
    module: Model | nn.Module, inputs: Inputs, layer: str, target: Target, versus: Target
) -> tuple[Tensor, Tensor, Answer]:
    """What a layer gave, the gradient of the score by it, and the score; nothing below the layer is differentiated."""
    with plain(module, inputs):
        kept = shared(lambda: trace(module, inputs.clone(), [layer], cut=layer))
        said = asked(module, _logits(kept), target, versus)
        derivative = gradient_of(module, said.score, kept[layer], _unfed(module, layer))
    return kept[layer].detach(), derivative, Answer(said.score.detach(), said.target, said.versus)


def over_input(coarse: Places, inputs: Tensor) -> Float[Tensor, "batch height width"]:
    """A map on a layer's grid, enlarged bilinearly to the size of the inputs."""
    if inputs.ndim != 4:
        raise PictureError(
            f"inputs have shape {tuple(inputs.shape)}; expected (batch, channels, height, width) for a map over places"
        )
    return F.interpolate(coarse[:, None], size=inputs.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def grid_of(module: Model | nn.Module, inputs: Inputs, layer: str) -> Layout:
    """How the layer lies on its grid of places; a LayerError where it has none."""
    found = layout(module, layer, inputs)
    if not found.spatial:
        others = ", ".join(list(grids(module, inputs))[-3:]) or "another network"
        raise LayerError(
            f'layer "{layer}" of {name_of(module)} has no grid ({found.channels} channels at one place); expected a '
            f"layer with several places; try {others}"
        )
    return found


def last_grid(module: Model | nn.Module, inputs: Inputs, target: Target = None) -> str:
    """The last layer with a grid of places that the score depends on, as it is for the first input.

    A transformer that reads only its class token leaves the other tokens of its last layers unread.
    """
    known = grids(module, inputs)
    if not known:
        raise LayerError(f"{name_of(module)} has no layer with a grid of places; expected one; try another method")
    names = list(known)
    chunk, chosen, _ = next(portions(inputs, target, None, 1))
    with plain(module, inputs):
        kept = trace(module, chunk.detach().clone().requires_grad_().clone(), names)
        score = asked(module, _logits(kept), chosen, None).score.sum()
        slopes = torch.autograd.grad(score, [kept[name] for name in names], allow_unused=True)
    read = [
        name
        for name, slope in zip(names, slopes, strict=True)
        if slope is not None and bool(known[name].to_grid(slope).any())
    ]
    return (read or names)[-1]


def grids(module: Model | nn.Module, inputs: Inputs) -> dict[str, Layout]:
    """The layers with a grid of places, in the order in which data passes them."""
    return {name: found for name, found in layouts(module, inputs).items() if found.spatial}


def _unfed(module: Model | nn.Module, layer: str) -> LayerError:
    return LayerError(
        f'the score of {name_of(module)} does not depend on layer "{layer}"; expected a layer that feeds it; '
        "leave the layer out for the last one that does"
    )


def _logits(kept: Trace) -> Logits:
    if kept.logits is None:
        raise AssertionError("a trace goes to the end unless told otherwise")
    return kept.logits

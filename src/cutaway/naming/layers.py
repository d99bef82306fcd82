"""A layer's units over pictures: one number for each unit and picture, ready to be coupled with words.

A unit is a channel, a direction (a neuron group is one), or an attention head; a prototype is a channel of its layer.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float

from cutaway.core.errors import LayerError
from cutaway.nets.model import Model
from cutaway.trace import activations, layout

Reading: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""What is read off a grid (batch, channels, height, width): one number for each picture and unit."""

UNTRAINED = 5
"""Untrained networks that names are held against: with one, 6 % of a random network's units kept a name; with five 1 %.

Measured on PartWorld, 512 units of eight random networks; trained detectors lose 2 % of their names to it.
"""


def channels(grid: Float[torch.Tensor, "batch channels height width"]) -> Float[torch.Tensor, "batch channels"]:
    """Every channel's mean over places."""
    return grid.mean(dim=(2, 3))


def along(directions: Float[np.ndarray, "directions channels"]) -> Reading:
    """How far each picture goes along directions of a layer (neuron groups, concept vectors), mean over places."""
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    unit = torch.from_numpy(directions / np.where(lengths > 0, lengths, 1)).float()

    def reading(
        grid: Float[torch.Tensor, "batch channels height width"],
    ) -> Float[torch.Tensor, "batch directions"]:
        if grid.shape[1] != unit.shape[1]:
            raise LayerError(
                f"directions of {unit.shape[1]} numbers along {grid.shape[1]} channels; expected as many; "
                "try another layer"
            )
        return grid.mean(dim=(2, 3)) @ unit.T.to(grid.device)

    return reading


def heads(count: int) -> Reading:
    """The strength of each attention head: the length of its share of the channels, mean over places.

    For a layer whose channels are the heads' answers side by side, such as the input of an attention's projection.
    """

    def reading(
        grid: Float[torch.Tensor, "batch channels height width"],
    ) -> Float[torch.Tensor, "batch heads"]:
        if count < 1 or grid.shape[1] % count:
            raise LayerError(
                f"{count} heads in {grid.shape[1]} channels; expected heads of one size; try another layer"
            )
        split = rearrange(grid, "batch (heads each) height width -> batch heads each height width", heads=count)
        lengths: torch.Tensor = split.norm(dim=2)
        return lengths.mean(dim=(2, 3))

    return reading


def layer_activations(
    model: Model, batches: Iterable[torch.Tensor], layers: Sequence[str], reading: Reading = channels
) -> Float[np.ndarray, "pictures units"]:
    """What is read off the layers, side by side, for every picture of the batches: every channel's mean over places.

    Another `reading` takes a grid (batch, channels, height, width) and answers with one number a unit. Raises
    LayerError for a layer whose output has no channels.
    """
    rows = []
    for pictures in batches:
        found = activations(model, pictures, list(layers))
        rows.append(torch.cat([reading(grid_of(model, layer, found[layer])) for layer in layers], dim=1).cpu())
    return torch.cat(rows).numpy()


def untrained_activations(
    model: Model,
    batches: Iterable[torch.Tensor],
    layers: Sequence[str],
    count: int = UNTRAINED,
    seed: int = 0,
    reading: Reading = channels,
) -> Float[np.ndarray, "pictures units"]:
    """What `layer_activations` reads off so many untrained networks of the same form, side by side.

    Drawn anew, one network has units that another one lacks.
    """
    drawn = [untrained(model, seed + number) for number in range(count)]
    rows = [np.concatenate([layer_activations(one, [some], layers, reading) for one in drawn], 1) for some in batches]
    return np.concatenate(rows)


def untrained(model: Model, seed: int = 0) -> Model:
    """The same network before any training: all that can be drawn anew is, by its own rule, from the seed."""
    module = copy.deepcopy(model.module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for inner in module.modules():
            reset = getattr(inner, "reset_parameters", None)
            if callable(reset):
                reset()
    return Model(module, model.preprocess, model.labels, name=f"{model.name}, untrained", multilabel=model.multilabel)


def grid_of(model: Model, layer: str, output: torch.Tensor) -> Float[torch.Tensor, "batch channels height width"]:
    """A layer's output as channels over a grid of places."""
    grid = layout(model, layer).to_grid(output)
    if grid.ndim != 4:
        raise LayerError(f"layer {layer} of {model.name} has no channels; expected some; try cutaway models")
    return grid.float()


def unit_labels(model: Model, layers: Sequence[str]) -> tuple[str, ...]:
    """What the columns of `layer_activations` are called: `layer:channel`."""
    return tuple(f"{layer}:{channel}" for layer in layers for channel in range(layout(model, layer).channels))

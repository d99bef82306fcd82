"""A layer's units over pictures: one number for each channel and picture, ready to be coupled with words."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float

from cutaway.core.errors import LayerError
from cutaway.nets.model import Model
from cutaway.trace import activations, layout


def layer_activations(
    model: Model, batches: Iterable[torch.Tensor], layers: Sequence[str]
) -> Float[np.ndarray, "pictures units"]:
    """The mean over places of every channel of the layers, side by side, for every picture of the batches.

    Raises LayerError for a layer whose output has no channels.
    """
    rows = []
    for pictures in batches:
        found = activations(model, pictures, list(layers))
        rows.append(torch.cat([channel_means(model, layer, found[layer]) for layer in layers], dim=1))
    return torch.cat(rows).numpy()


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


def channel_means(model: Model, layer: str, output: torch.Tensor) -> Float[torch.Tensor, "batch channels"]:
    """One number a channel: its mean over places."""
    grid = layout(model, layer).to_grid(output)
    if grid.ndim != 4:
        raise LayerError(f"layer {layer} of {model.name} has no channels; expected some; try cutaway models")
    return grid.float().mean(dim=(2, 3)).cpu()


def unit_labels(model: Model, layers: Sequence[str]) -> tuple[str, ...]:
    """What the columns of `layer_activations` are called: `layer:channel`."""
    return tuple(f"{layer}:{channel}" for layer in layers for channel in range(layout(model, layer).channels))

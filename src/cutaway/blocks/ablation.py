"""Ablation: what the network answers without one channel. Measured, not estimated."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cutaway.blocks.places import one_picture
from cutaway.core.errors import LayerError
from cutaway.core.types import Logits
from cutaway.data.pictures import Source
from cutaway.nets.model import Model
from cutaway.trace import edit, layout

BATCH = 16


def ablate_each(
    model: Model, picture: Source, layer: str, channels: Sequence[int], *, value: float = 0.0, batch_size: int = BATCH
) -> Logits:
    """The logits (ablations, classes) of one picture with one channel at a time set to `value` at all its places.

    Copies of the picture go through the network as one batch, and each copy loses another channel.
    """
    axes = layout(model, layer)
    for channel in channels:
        if not 0 <= channel < axes.channels:
            raise LayerError(
                f'no unit "{layer}:{channel}"; expected a channel from 0 to {axes.channels - 1} of {layer}'
            )
    pictures = one_picture(model, picture)
    if axes.axes in ("places channels", "channels places"):
        batch_size = 1  # there the copies of the picture share an axis with its places
    chunks = [channels[start : start + batch_size] for start in range(0, len(channels), batch_size)]
    found = [_together(model, pictures, layer, axes.channel_axis, chunk, value) for chunk in chunks]
    return torch.cat(found) if found else model(pictures).detach()[:0]


def _together(model: Model, pictures: Tensor, layer: str, axis: int, channels: Sequence[int], value: float) -> Logits:
    def lose_one(output: Tensor) -> Tensor:
        without = output.clone()
        for copy, channel in enumerate(channels):
            of_copy = without if len(channels) == 1 else without[copy : copy + 1]
            of_copy.select(axis, channel).fill_(value)
        return without

    with torch.no_grad(), edit(model, {layer: lose_one}):
        return model(pictures.expand(len(channels), -1, -1, -1))

"""Icons: the visualization of each channel, small, by which the blocks spell what a network saw."""

from __future__ import annotations

from collections.abc import Sequence

from cutaway.featurevis import units, visualize
from cutaway.nets.model import Model
from cutaway.report.drawing import Raster, to_raster

SIZE, STEPS, LEAST = 128, 128, 16


def icons(
    model: Model,
    layer: str,
    channels: Sequence[int],
    *,
    size: int = SIZE,
    steps: int = STEPS,
    seed: int = 0,
    batch_size: int | None = None,
) -> dict[int, Raster]:
    """What excites each channel of the layer most, at most (size, size) pixels; kept on disk per channel."""
    wanted = list(dict.fromkeys(channels))
    if not wanted:
        return {}
    found = visualize(
        model,
        units([f"{layer}:{channel}" for channel in wanted]),
        size=fitting_size(model, size),
        steps=steps,
        seed=seed,
        batch_size=batch_size,
    )
    return {channel: to_raster(picture.numpy()) for channel, picture in zip(wanted, found.pictures, strict=True)}


def fitting_size(model: Model, wanted: int) -> int:
    """The side of the square to draw: the wanted one, but no more pixels than the network sees (at least 16)."""
    return max(LEAST, min(wanted, *model.preprocess.shape[1:]))

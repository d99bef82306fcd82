"""Places: the activations of one picture, laid on the grid of a layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import LayerError, PictureError
from cutaway.core.types import Pictures
from cutaway.data.pictures import Source
from cutaway.nets.model import Model
from cutaway.report.drawing import Raster, enlarge, to_raster
from cutaway.trace import activations, layout

LEAST = 192  # pixels of a raster's short side


def one_picture(model: Model, picture: Source) -> Pictures:
    """One prepared picture as a batch: a tensor is taken as it is, anything else is prepared for the network."""
    if not isinstance(picture, Tensor):
        return model.prepare(picture)[:1]
    batch = picture if picture.ndim == 4 else picture[None]
    if batch.ndim != 4 or len(batch) != 1:
        raise PictureError(
            f"a tensor of shape {tuple(picture.shape)} is not one picture; expected (channels, height, width)"
        )
    return batch.to(model.device)


def several_pictures(model: Model, pictures: Source | Sequence[Source]) -> Pictures:
    """Prepared pictures as a batch: a tensor is taken as it is, anything else is prepared for the network."""
    if not isinstance(pictures, Tensor):
        return model.prepare(pictures)
    batch = pictures if pictures.ndim == 4 else pictures[None]
    if batch.ndim != 4 or len(batch) == 0:
        raise PictureError(
            f"a tensor of shape {tuple(pictures.shape)} is no batch of pictures; expected (batch, channels, height, "
            "width) with at least one picture"
        )
    return batch.to(model.device)


def raster_of(pictures: Pictures) -> Raster:
    """The first picture of a batch as a raster, small ones enlarged pixel by pixel so that there is room to draw."""
    return enlarge(to_raster(pictures[0].detach().cpu().numpy()), LEAST)


def on_grid(model: Model, picture: Source, layer: str) -> Float[Tensor, "channels height width"]:
    """What each channel of the layer answers at each place of its grid, for one picture."""
    output = activations(model, one_picture(model, picture), [layer])[layer]
    return layout(model, layer).to_grid(output)[0]


def check_grid(model: Model, layer: str) -> tuple[int, int]:
    """The layer's grid (rows, columns); a LayerError where it has no more than one place."""
    found = layout(model, layer)
    if not found.spatial:
        raise LayerError(
            f'layer "{layer}" of {model.name} has {found.channels} channels but only one place; '
            "expected a layer with a grid of places; try an earlier layer"
        )
    return found.grid


def strongest_places(strength: Float[np.ndarray, "rows columns"], count: int) -> Sequence[tuple[int, int]]:
    """The strongest places that are not neighbours of a stronger chosen one, so that they spread over the picture."""
    left = strength.astype(float).copy()
    chosen: list[tuple[int, int]] = []
    reach = max(1, round(max(strength.shape) / 6))
    while len(chosen) < count and np.isfinite(left).any():
        row, column = (int(i) for i in np.unravel_index(np.argmax(left), left.shape))
        chosen.append((row, column))
        left[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = -np.inf
    return chosen

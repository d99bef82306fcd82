"""Layout: which axes of a layer's output are channels and places, so that every unit can be laid on a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import LayerError
from cutaway.nets.layers import LayerInfo
from cutaway.nets.model import Model

Axes = Literal["channels height width", "height width channels", "tokens channels", "channels"]


@dataclass(frozen=True)
class Layout:
    """The axes of one layer's output (after the batch axis), its channels and its grid of places.

    `prefix` counts the tokens before the grid (class and register tokens), which belong to no place.
    """

    axes: Axes
    channels: int
    grid: tuple[int, int]
    prefix: int = 0

    @property
    def channel_axis(self) -> int:
        """The axis of the channels in a batched output."""
        return 1 if self.axes in ("channels height width", "channels") else -1

    @property
    def spatial(self) -> bool:
        """Whether there is more than one place."""
        return self.grid != (1, 1)

    def to_grid(self, output: Tensor) -> Float[Tensor, "batch channels height width"]:
        """The output laid out as channels over a grid of places; a vector becomes a grid of one place."""
        match self.axes:
            case "channels height width":
                return output
            case "height width channels":
                return rearrange(output, "b h w c -> b c h w")
            case "tokens channels":
                return rearrange(output[:, self.prefix :], "b (h w) c -> b c h w", h=self.grid[0])
            case "channels":
                return output[:, :, None, None]


def layout(model: Model, layer: str) -> Layout:
    """How a layer's output is laid out; a LayerError that names the axes where it cannot be."""
    return layout_of(model.layer(layer), model.name)


def layout_of(info: LayerInfo, name: str) -> Layout:
    shape = info.shape
    if len(shape) == 1:
        return Layout("channels", shape[0], (1, 1))
    if len(shape) == 3:
        return Layout("channels height width", shape[0], (shape[1], shape[2]))
    if len(shape) == 2:
        for prefix in (0, 1, 2, 5):
            side = math.isqrt(max(0, shape[0] - prefix))
            if side * side == shape[0] - prefix:
                return Layout("tokens channels", shape[1], (side, side), prefix)
    raise LayerError(
        f'layer "{info.name}" of {name} has an output of shape (batch, {", ".join(map(str, shape))}); expected '
        "channels over places, or tokens that lie on a grid; try another layer"
    )

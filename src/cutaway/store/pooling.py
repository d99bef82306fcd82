"""Pooling: what a store keeps of a layer's output, channel by channel: the maximum, its place, and the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt
from torch import Tensor

KINDS = ("max", "place", "mean")
"""What is kept of each layer; `place` counts the places of its grid row by row."""


@dataclass(frozen=True)
class Pooled:
    """Each channel's maximum over the grid, the place where it is, and the mean, for every picture of a batch."""

    max: Float[np.ndarray, "batch channels"]
    place: UInt[np.ndarray, "batch channels"]
    mean: Float[np.ndarray, "batch channels"]


def pool(grid: Float[Tensor, "batch channels height width"]) -> Pooled:
    """Pools a layer laid out on its grid.

    Where colours lie side by side in memory (channels_last) this reads the layer about three times as quickly as
    `max(dim)` with indices, which decides whether a sweep keeps up with the bare network.
    """
    if grid.shape[2:] == (1, 1):
        values = grid[:, :, 0, 0].float().cpu().numpy()
        return Pooled(values, np.zeros(values.shape, place_type((1, 1))), values.copy())
    largest, place = F.max_pool2d(grid, grid.shape[2:], return_indices=True)
    return Pooled(
        max=largest[:, :, 0, 0].float().cpu().numpy(),
        place=place[:, :, 0, 0].cpu().numpy().astype(place_type((grid.shape[2], grid.shape[3]))),
        mean=torch.mean(grid.float(), dim=(2, 3)).cpu().numpy(),
    )


def place_type(grid: tuple[int, int]) -> type[np.unsignedinteger]:
    """The smallest integers that count the places of a grid."""
    return np.uint16 if grid[0] * grid[1] <= 2**16 else np.uint32

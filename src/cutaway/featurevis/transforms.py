"""Transforms: small random movements, so that a picture excites its unit also when it is not looked at just so."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures

DRAWS = 4
"""Random numbers that a transform is given for each picture of each step."""

Draws = Float[Tensor, "batch draws"]
"""Uniform in [0, 1), one row for each picture; a picture's rows do not depend on the others in its batch."""

Transform = Callable[[Tensor, Tensor], Tensor]
"""(pictures, draws) -> pictures as they are looked at in this step."""


def move(
    pictures: Pictures, draws: Draws, *, degrees: float, zoom: float, shift: float
) -> Float[Tensor, "batch channels window window"]:
    """A window of every picture, turned, scaled and shifted by its own draws, in one bilinear resampling.

    degrees: largest angle either way. zoom: largest change of scale, as a share. shift: the largest either way, as a
    share of the side; the window is as much smaller than the picture, so that nothing beyond its edges has to be made
    up, except in corners, where the picture is mirrored.
    """
    angle, scale, right, down = (2 * draws - 1).unbind(dim=1)
    side = round(pictures.shape[-1] * (1 - 2 * shift))
    window = side / pictures.shape[-1]
    factor = window * (scale * math.log1p(zoom)).exp()
    angle = angle * math.radians(degrees)
    cosine, sine = factor * angle.cos(), factor * angle.sin()
    right, down = (1 - window) * right, (1 - window) * down
    maps = torch.stack([torch.stack([cosine, -sine, right], 1), torch.stack([sine, cosine, down], 1)], 1)
    grid = F.affine_grid(maps, [*pictures.shape[:2], side, side], align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def stay(pictures: Pictures, draws: Draws) -> Pictures:
    """The pictures as they are."""
    return pictures


TRANSFORMS: Mapping[str, Transform] = {
    "standard": partial(move, degrees=10.0, zoom=0.2, shift=0.1),
    "strong": partial(move, degrees=20.0, zoom=0.4, shift=0.15),
    "jitter": partial(move, degrees=0.0, zoom=0.0, shift=1 / 16),
    "none": stay,
}
"""Name -> transform; a function of the same signature works wherever a name does."""

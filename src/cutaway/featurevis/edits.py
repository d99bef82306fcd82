"""Edits: what is done to a picture between steps, so that it keeps to forms that a person can read.

The four regularizers of Yosinski et al. 2015, "Understanding Neural Networks Through Deep Visualization". Each moves
pixels towards middle grey, which is what an objective knows nothing of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures

GREY = 0.5


@dataclass(frozen=True)
class Edit:
    """A change of pictures between steps.

    apply: (pictures, the score's gradient by them, weight) -> pictures. usual: the weight where none is given. least,
    most: its range. every: steps from one time to the next.
    """

    apply: Callable[[Tensor, Tensor, float], Tensor]
    usual: float
    most: float = math.inf
    every: int = 1


def decay(pictures: Pictures, gradient: Pictures, weight: int | float) -> Pictures:
    """Every pixel a share closer to grey: none becomes extreme by being of a little use (L2 decay)."""
    return torch.lerp(pictures, torch.full_like(pictures, GREY), weight)


def blur(pictures: Pictures, gradient: Pictures, weight: int | float) -> Pictures:
    """A Gaussian of so many pixels' standard deviation: high frequencies have to be earned anew each time."""
    if weight == 0:
        return pictures
    reach = min(math.ceil(3 * weight), pictures.shape[-1] - 1)
    line = torch.arange(-reach, reach + 1, device=pictures.device)
    bell = torch.exp(-0.5 * (line / weight) ** 2)
    kernel = (bell / bell.sum()).to(pictures).expand(pictures.shape[1], 1, 1, -1)
    padded = F.pad(pictures, [reach] * 4, mode="reflect")
    across = F.conv2d(padded, kernel, groups=pictures.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=pictures.shape[1])


def clip_norm(pictures: Pictures, gradient: Pictures, weight: int | float) -> Pictures:
    """The share of pixels that differ least from grey becomes grey: what is hardly there is not there."""
    return _clipped(pictures, gradient, torch.linalg.vector_norm(pictures - GREY, dim=1), weight)


def clip_contribution(pictures: Pictures, gradient: Pictures, weight: int | float) -> Pictures:
    """The share of pixels whose loss would change the score least becomes grey, to first order: what is of no use."""
    return _clipped(pictures, gradient, ((pictures - GREY) * gradient).sum(dim=1).abs(), weight)


def _clipped(
    pictures: Pictures, gradient: Pictures, worth: Float[Tensor, "batch height width"], share: int | float
) -> Pictures:
    count = round(share * worth[0].numel())
    if count == 0:
        return pictures
    unseen = (gradient == 0).all(dim=1)  # say, beyond the edge of the window that this step looked through
    worth = worth.masked_fill(unseen, math.inf).flatten(1)
    limit = worth.kthvalue(count, dim=1, keepdim=True).values
    clipped = (worth <= limit).view_as(unseen)
    return torch.where(clipped[:, None], GREY, pictures)

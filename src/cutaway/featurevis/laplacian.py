"""Laplacian: a picture as a pyramid, each level twice as fine as the one below it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures

LEAST = 4
"""Pixels of the coarsest level's side, at least."""

SPREAD = 0.01
"""Standard deviation of the numbers at the start: almost grey, different in every picture."""

Levels = Float[Tensor, "batch channels numbers"]
"""All levels of each colour one after the other, the finest first."""


def start(channels: int, size: int, generator: torch.Generator) -> Float[Tensor, "channels numbers"]:
    """Noise on every level."""
    return torch.randn(channels, sum(side * side for side in _sides(size)), generator=generator) * SPREAD


def draw(numbers: Levels, size: int) -> Pictures:
    """The sum of all levels, each enlarged to the next.

    A step of one size on every level moves broad forms as far as single pixels, which by themselves would win
    (Mordvintsev et al. 2016, DeepDream's Laplacian pyramid).
    """
    sides = list(_sides(size))
    levels = numbers.split([side * side for side in sides], dim=2)
    canvas = torch.zeros_like(_square(levels[-1], sides[-1]))
    for level, side in zip(reversed(levels), reversed(sides), strict=True):
        canvas = _enlarged(canvas, side) + _square(level, side)
    return canvas


def write(canvas: Pictures) -> Levels:
    """The levels whose sum is this canvas: what each adds to the one below it, enlarged."""
    fine, *coarser = _sides(canvas.shape[-1])
    levels, side = [], fine
    for smaller in coarser:
        reduced = F.interpolate(canvas, (smaller, smaller), mode="bilinear", antialias=True, align_corners=False)
        levels.append((canvas - _enlarged(reduced, side)).flatten(2))
        canvas, side = reduced, smaller
    return torch.cat([*levels, canvas.flatten(2)], dim=2)


def _sides(size: int) -> Iterator[int]:
    yield size
    while size >= 2 * LEAST:
        size = (size + 1) // 2
        yield size


def _square(level: Float[Tensor, "batch channels numbers"], side: int) -> Pictures:
    return level.reshape(*level.shape[:2], side, side)


def _enlarged(canvas: Pictures, side: int) -> Float[Tensor, "batch channels side side"]:
    if canvas.shape[-1] == side:
        return canvas
    return F.interpolate(canvas, (side, side), mode="bilinear", align_corners=False)

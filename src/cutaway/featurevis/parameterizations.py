"""Parameterizations: the numbers that are optimised, and the picture that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures
from cutaway.featurevis import cppn, fourier, laplacian, maco
from cutaway.featurevis.colours import to_canvas, to_picture

Numbers = Float[Tensor, "batch *numbers"]
"""What the optimiser moves, for each picture of a batch."""

Start = Callable[[int, int, torch.Generator], Tensor]
"""(channels, size, generator) -> the numbers of one picture near grey."""

Render = Callable[[Tensor, int], Tensor]
"""(numbers of a batch, size) -> pictures (batch, channels, size, size) in [0, 1]."""

Write = Callable[[Tensor], Tensor]
"""Pictures (batch, channels, size, size) in [0, 1] -> the numbers that stand for them."""


@dataclass(frozen=True)
class Parameterization:
    """A way to write a picture down.

    rate: the step of the optimiser that suits its numbers. write: the way back, where there is one, so that a picture
    can be started from. together: whether the pictures of a batch share numbers, so that they are made at once.
    """

    start: Start
    render: Render
    rate: int | float
    write: Write | None = None
    together: bool = False


SPREAD = 0.01
"""Standard deviation of the numbers at the start: almost grey, different in every picture."""


def pixel_start(channels: int, size: int, generator: torch.Generator) -> Float[Tensor, "channels size size"]:
    """One number for each colour of each pixel."""
    return torch.randn(channels, size, size, generator=generator) * SPREAD


def on(draw: Render) -> Render:
    """The picture of what is drawn on a canvas of decorrelated colours."""
    return lambda numbers, size: to_picture(draw(numbers, size))


def off(trace: Write) -> Write:
    """The numbers of a picture's canvas."""
    return lambda pictures: trace(to_canvas(pictures))


def _as_it_is(canvas: Pictures, size: int) -> Pictures:
    return canvas


PARAMETERIZATIONS: Mapping[str, Parameterization] = {
    "fourier": Parameterization(fourier.start, on(fourier.draw), 0.2, off(fourier.write)),
    "pixel": Parameterization(pixel_start, on(_as_it_is), 0.15, to_canvas),
    "laplacian": Parameterization(laplacian.start, on(laplacian.draw), 0.15, off(laplacian.write)),
    "cppn": Parameterization(cppn.start, on(cppn.draw), 0.01),
    "shared": Parameterization(fourier.start, on(fourier.draw_shared), 0.2, off(fourier.write_shared), together=True),
    "maco": Parameterization(maco.start, on(maco.draw), 0.3, off(maco.write)),
}
"""Name -> parameterization; a Parameterization of one's own works wherever a name does.

fourier: waves, the broad ones first. pixel: every pixel by itself, which shows what a network answers to without any
help, mostly noise. laplacian: a pyramid, every level twice as fine. cppn: a small network from places to colours,
smooth at any size. shared: as fourier, with the broad forms partly in common. maco: waves with the strengths that they
have in photographs, of which only the places (phases) are chosen.
"""

"""Parameterizations: the numbers that are optimised, and the picture that they stand for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures
from cutaway.featurevis.colours import to_rgb

Numbers = Float[Tensor, "batch *numbers"]
"""What the optimiser moves, for each picture of a batch."""

Start = Callable[[int, int, torch.Generator], Tensor]
"""(channels, size, generator) -> the numbers of one picture near grey."""

Render = Callable[[Tensor, int], Tensor]
"""(numbers of a batch, size) -> pictures (batch, channels, size, size) in [0, 1]."""


@dataclass(frozen=True)
class Parameterization:
    """A way to write a picture down. rate: the step of the optimiser that suits its numbers."""

    start: Start
    render: Render
    rate: float


FALL = 1.2
"""Natural pictures hold at each frequency an amplitude of about 1 / frequency; a little steeper draws fewer, larger
forms."""

CONTRAST = 0.375
"""Logits of brightness that one unit of a number of the lowest frequency stands for."""

SPREAD = 0.01
"""Standard deviation of the numbers at the start: almost grey, different in every picture."""


def fourier_start(channels: int, size: int, generator: torch.Generator) -> Float[Tensor, "channels rows columns 2"]:
    """Complex Fourier coefficients, as pairs, of noise whose spectrum is that of natural pictures."""
    return torch.randn(channels, size, size // 2 + 1, 2, generator=generator) * SPREAD


def fourier_render(numbers: Float[Tensor, "batch channels rows columns 2"], size: int) -> Pictures:
    """The picture of these coefficients; low frequencies weigh more, and equally at every size.

    So one step moves broad forms first, and no high frequency can win by being everywhere (Olah et al. 2017).
    """
    spectrum = torch.view_as_complex(numbers) * _amplitudes(size).to(numbers.device)
    return torch.sigmoid(to_rgb(torch.fft.irfft2(spectrum, s=(size, size), norm="forward")))


@functools.lru_cache(maxsize=8)
def _amplitudes(size: int) -> Float[Tensor, "rows columns"]:
    rows, columns = torch.fft.fftfreq(size), torch.fft.rfftfreq(size)
    cycles = size * (rows[:, None] ** 2 + columns**2).sqrt()
    amplitudes: Tensor = CONTRAST / cycles.clamp(min=1) ** FALL
    return amplitudes


def pixel_start(channels: int, size: int, generator: torch.Generator) -> Float[Tensor, "channels size size"]:
    """One number for each colour of each pixel."""
    return torch.randn(channels, size, size, generator=generator) * SPREAD


def pixel_render(numbers: Pictures, size: int) -> Pictures:
    """Every pixel by itself: what a network answers to without any help, which is mostly noise."""
    return torch.sigmoid(to_rgb(numbers))


PARAMETERIZATIONS: Mapping[str, Parameterization] = {
    "fourier": Parameterization(fourier_start, fourier_render, rate=0.08),
    "pixel": Parameterization(pixel_start, pixel_render, rate=0.05),
}
"""Name -> parameterization; a Parameterization of one's own works wherever a name does."""

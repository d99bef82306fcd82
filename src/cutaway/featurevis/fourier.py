"""Fourier: a picture as a sum of waves, the broad ones first; alone, or with the broad ones partly in common."""

from __future__ import annotations

import functools

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures

FALL = 1.2
"""Natural pictures hold at each frequency an amplitude of about 1 / frequency; a little steeper draws fewer, larger
forms."""

CONTRAST = 0.375
"""Logits of brightness that one unit of a number of the lowest frequency stands for."""

SPREAD = 0.01
"""Standard deviation of the numbers at the start: almost grey, different in every picture."""

BROAD = 6.0
"""Waves per picture up to which pictures made together share what they hold."""

SHARED = 0.5
"""The part of a broad wave that is the mean of all pictures; the rest is a picture's own."""

Coefficients = Float[Tensor, "batch channels rows columns 2"]


def start(channels: int, size: int, generator: torch.Generator) -> Float[Tensor, "channels rows columns 2"]:
    """Complex Fourier coefficients, as pairs, of noise whose spectrum is that of natural pictures."""
    return torch.randn(channels, size, size // 2 + 1, 2, generator=generator) * SPREAD


def draw(numbers: Coefficients, size: int) -> Pictures:
    """The canvas of these coefficients; low frequencies weigh more, and equally at every size.

    So one step moves broad forms first, and no high frequency can win by being everywhere (Olah et al. 2017).
    """
    spectrum = torch.view_as_complex(numbers) * _amplitudes(size).to(numbers.device)
    canvas: Tensor = torch.fft.irfft2(spectrum, s=(size, size), norm="forward")
    return canvas


def write(canvas: Pictures) -> Coefficients:
    """The coefficients that draw this canvas."""
    spectrum = torch.fft.rfft2(canvas, norm="forward") / _amplitudes(canvas.shape[-1]).to(canvas.device)
    return torch.view_as_real(spectrum).contiguous()


def draw_shared(numbers: Coefficients, size: int) -> Pictures:
    """As `draw`, but half of every broad wave is the mean of all pictures of the batch.

    Pictures that start apart so come to hold the same thing at the same place, and can be compared: the shared
    low-resolution parameterization of "Differentiable Image Parameterizations" (Mordvintsev et al. 2018).
    """
    share = SHARED * (waves(size) <= BROAD).to(numbers)[..., None]
    return draw(
        torch.lerp(numbers, numbers.mean(dim=0, keepdim=True).expand_as(numbers), share.expand_as(numbers)), size
    )


def write_shared(canvas: Pictures) -> Coefficients:
    """The coefficients whose mixture draws these canvases."""
    numbers = write(canvas)
    share = SHARED * (waves(canvas.shape[-1]) <= BROAD).to(numbers)[..., None]
    return (numbers - share * numbers.mean(dim=0, keepdim=True)) / (1 - share)


@functools.lru_cache(maxsize=8)
def waves(size: int) -> Float[Tensor, "rows columns"]:
    """How many waves of each coefficient of `rfft2` fit into the side of a picture."""
    rows, columns = torch.fft.fftfreq(size), torch.fft.rfftfreq(size)
    cycles: Tensor = size * (rows[:, None] ** 2 + columns**2).sqrt()
    return cycles


@functools.lru_cache(maxsize=8)
def _amplitudes(size: int) -> Float[Tensor, "rows columns"]:
    amplitudes: Tensor = CONTRAST / waves(size).clamp(min=1) ** FALL
    return amplitudes

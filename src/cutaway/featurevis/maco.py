"""MaCo: waves with the strengths that they have in photographs, of which only the phases are chosen."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures
from cutaway.featurevis.spectrum import natural

Phases = Float[Tensor, "batch channels rows columns"]
"""In radians, of each coefficient of `rfft2`."""


def start(channels: int, size: int, generator: torch.Generator) -> Float[Tensor, "channels rows columns"]:
    """Phases at random: noise with the spectrum of photographs."""
    return (2 * torch.rand(channels, size, size // 2 + 1, generator=generator) - 1) * math.pi


def draw(numbers: Phases, size: int) -> Pictures:
    """The canvas with these phases and the magnitudes of photographs, exactly.

    Its contrast at every frequency is given, so an optimiser can raise nothing but by putting forms where they belong;
    neither noise nor saturated colours are within reach (Fel et al. 2023, "Unlocking feature visualization for deeper
    networks with magnitude constrained optimization").
    """
    spectrum = torch.polar(natural(numbers.shape[1], size).to(numbers).expand_as(numbers), _real(numbers, size))
    canvas: Tensor = torch.fft.irfft2(spectrum, s=(size, size), norm="forward")
    return canvas


def write(canvas: Pictures) -> Phases:
    """The phases of this canvas; its own magnitudes are lost."""
    phases: Tensor = torch.fft.rfft2(canvas, norm="forward").angle()
    return phases


def _real(phases: Phases, size: int) -> Phases:
    """Phases of which a real canvas can be made: in the columns that are stored with their mirror images, each the
    negative of its mirror image's, and so 0 (or pi) where it is its own."""
    mirror = -torch.arange(size, device=phases.device) % size
    edges = [0] if size % 2 else [0, size // 2]
    odd = (phases[..., edges] - phases[..., mirror, :][..., edges]) / 2
    own = torch.tensor([row for row in {0, size // 2} if 2 * row % size == 0], device=phases.device)
    sign = torch.where(phases[..., own, :][..., edges].cos() < 0, math.pi, 0.0).to(phases)
    odd = odd.index_copy(-2, own, sign)
    columns = torch.tensor(edges, device=phases.device)
    return phases.index_copy(-1, columns, odd)

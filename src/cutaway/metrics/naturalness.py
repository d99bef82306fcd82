"""Naturalness: how far gradients are from looking like pictures, in figures that pictures have too.

Smoother is not better, and neither is sparser: a gradient is natural where its figures are those of real pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures
from cutaway.metrics.maps import numbers
from cutaway.metrics.measured import Measured, mean_of
from cutaway.metrics.slopes import Reading, read
from cutaway.nets.model import Model
from cutaway.nets.targets import Target


@dataclass(frozen=True)
class Figure:
    """One figure of gradients, and the same figure of the pictures that they belong to."""

    gradients: Measured
    pictures: Measured

    @property
    def distance(self) -> float:
        """How many standard deviations of pictures lie between the two means."""
        return abs(self.gradients.value - self.pictures.value) / float(np.std(self.pictures.values))


@dataclass(frozen=True)
class Naturalness:
    """variation: mean step between neighbours over the standard deviation. sparsity: Gini's index of magnitudes.
    spectrum: the exponent of the power's fall with frequency (pictures: about -2)."""

    variation: Figure
    sparsity: Figure
    spectrum: Figure


def naturalness(
    model: Model,
    pictures: Pictures,
    target: Target = None,
    *,
    reading: Reading = "gradient",
    seed: int = 0,
    batch_size: int | None = None,
) -> Naturalness:
    """Three figures of the gradients toward a class beside those of the pictures themselves."""
    _, slopes, seen = read(model, pictures, target, reading, batch_size)

    def figure(function: Callable[[Pictures], Tensor]) -> Figure:
        return Figure(mean_of(numbers(function(slopes)), seed), mean_of(numbers(function(seen)), seed))

    return Naturalness(figure(variation), figure(sparsity), figure(spectrum))


def variation(values: Pictures) -> Float[Tensor, " batch"]:
    """The mean absolute step to the right and lower neighbours, over the standard deviation."""
    down, across = values.diff(dim=2).abs(), values.diff(dim=3).abs()
    steps: Tensor = (down.flatten(1).mean(1) + across.flatten(1).mean(1)) / 2
    return steps / values.flatten(1).std(1)


def sparsity(values: Pictures) -> Float[Tensor, " batch"]:
    """Gini's index of the magnitudes: 0 = all alike, towards 1 = one alone."""
    sizes = values.abs().flatten(1).sort(dim=1).values
    count = sizes.shape[1]
    ranks = torch.arange(1, count + 1, device=values.device, dtype=values.dtype)
    index: Tensor = (2 * ranks - count - 1) @ sizes.T / (count * sizes.sum(1))
    return index


def spectrum(values: Pictures) -> Float[Tensor, " batch"]:
    """The slope of log power over log frequency, from one cycle a picture to half a cycle a pixel."""
    power = torch.fft.fft2(values.double()).abs().square().mean(1)
    down = torch.fft.fftfreq(values.shape[2], dtype=torch.float64)[:, None]
    across = torch.fft.fftfreq(values.shape[3], dtype=torch.float64)[None]
    frequency = (down.square() + across.square()).sqrt().to(values.device)
    kept = (frequency > 0) & (frequency <= 0.5)
    x, y = frequency[kept].log(), power[:, kept].clamp(min=1e-30).log()
    x = x - x.mean()
    slope: Tensor = (y * x).sum(1) / x.square().sum()
    return slope

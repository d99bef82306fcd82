"""Parameterizations: start near grey, stay in [0, 1], and mean what they say."""

from __future__ import annotations

import cmath
import math

import pytest
import torch
from torch import Tensor

from cutaway.core.seeds import generator
from cutaway.featurevis.colours import natural_basis
from cutaway.featurevis.parameterizations import CONTRAST, FALL, PARAMETERIZATIONS, fourier_render

NAMES = sorted(PARAMETERIZATIONS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channels", "size"), [(3, 16), (1, 16), (3, 17)])
def test_starts_near_grey_and_differs_by_seed(name: str, channels: int, size: int) -> None:
    form = PARAMETERIZATIONS[name]
    first, again, other = (form.start(channels, size, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    picture = form.render(first[None], size)
    assert picture.shape == (1, channels, size, size)
    assert 0 < (picture - 0.5).abs().max() < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_any_numbers_give_a_picture(name: str) -> None:
    form = PARAMETERIZATIONS[name]
    numbers = 1e4 * form.start(3, 16, generator(0))[None]
    picture = form.render(numbers, 16)
    assert picture.min() >= 0
    assert picture.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_can_become_any_picture(name: str) -> None:
    """Gradient descent on the numbers reaches a given picture."""
    form = PARAMETERIZATIONS[name]
    goal = 0.1 + 0.8 * torch.rand(1, 3, 8, 8, generator=generator(5))
    numbers = form.start(3, 8, generator(0))[None].requires_grad_()
    adam = torch.optim.Adam([numbers], lr=0.3)
    for _ in range(200):
        loss = (form.render(numbers, 8) - goal).square().mean()
        (numbers.grad,) = torch.autograd.grad(loss, numbers)
        adam.step()
    assert (form.render(numbers, 8) - goal).abs().mean() < 0.01


@pytest.mark.parametrize("size", [4, 5])
def test_fourier_is_the_sum_of_waves(size: int) -> None:
    numbers = PARAMETERIZATIONS["fourier"].start(3, size, generator(2)) * 50
    torch.testing.assert_close(fourier_render(numbers[None], size)[0], slow_fourier(numbers, size), atol=1e-5, rtol=0)


def test_low_frequencies_weigh_the_same_at_every_size() -> None:
    small, large = torch.zeros(1, 3, 16, 9, 2), torch.zeros(1, 3, 32, 17, 2)
    small[:, :, 1, 2, 0] = large[:, :, 1, 2, 0] = 2.0
    torch.testing.assert_close(fourier_render(large, 32)[..., ::2, ::2], fourier_render(small, 16))


def slow_fourier(numbers: Tensor, size: int) -> Tensor:
    """Pixel by pixel: every coefficient is a wave, and its mirror image the conjugate one."""
    waves = torch.zeros(3, size, size)
    for channel in range(3):
        for row in range(size):
            for column in range(size // 2 + 1):
                coefficient = complex(*numbers[channel, row, column].tolist())
                down = row if row <= (size - 1) // 2 else row - size
                coefficient *= CONTRAST / max(1.0, math.hypot(down, column)) ** FALL
                edge = column == 0 or 2 * column == size  # its mirror image is stored too
                for y in range(size):
                    for x in range(size):
                        wave = coefficient * cmath.exp(2j * math.pi * (row * y + column * x) / size)
                        waves[channel, y, x] += wave.real * (1 if edge else 2)
    return torch.sigmoid(torch.einsum("rc,chw->rhw", natural_basis(), waves))

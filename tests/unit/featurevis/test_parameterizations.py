"""Parameterizations: start near grey, stay in [0, 1], and mean what they say."""

from __future__ import annotations

import cmath
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cutaway.core.seeds import generator
from cutaway.data.pictures import read_image
from cutaway.featurevis import cppn, fourier, laplacian, maco
from cutaway.featurevis.colours import natural_basis, to_canvas
from cutaway.featurevis.cppn import REACH
from cutaway.featurevis.fourier import CONTRAST, FALL, waves
from cutaway.featurevis.parameterizations import PARAMETERIZATIONS
from cutaway.featurevis.spectrum import STRENGTHS, WAVES, natural
from cutaway.nets.preprocess import Preprocess

NAMES = sorted(PARAMETERIZATIONS)
WRITABLE = [name for name in NAMES if PARAMETERIZATIONS[name].write]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channels", "size"), [(3, 16), (1, 16), (3, 17)])
def test_starts_near_grey_and_differs_by_seed(name: str, channels: int, size: int) -> None:
    form = PARAMETERIZATIONS[name]
    first, again, other = (form.start(channels, size, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    picture = form.render(first[None], size)
    assert picture.shape == (1, channels, size, size)
    assert 0 < (picture - 0.5).abs().max() < (0.1 if name != "maco" else 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_any_numbers_give_a_picture(name: str) -> None:
    form = PARAMETERIZATIONS[name]
    numbers = 1e4 * form.start(3, 16, generator(0))[None]
    picture = form.render(numbers, 16)
    assert picture.min() >= 0
    assert picture.max() <= 1


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("cppn", "maco")])
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


@pytest.mark.parametrize("name", [name for name in WRITABLE if name != "maco"])
@pytest.mark.parametrize(("channels", "size"), [(3, 16), (1, 33)])
def test_pictures_are_written_and_drawn_again(name: str, channels: int, size: int) -> None:
    form = PARAMETERIZATIONS[name]
    pictures = torch.rand(3, channels, size, size, generator=generator(1))
    numbers = form.write(pictures)
    assert numbers.shape[1:] == form.start(channels, size, generator(0)).shape
    assert (form.render(numbers, size) - pictures).abs().max() < 0.0011  # but for black and white themselves


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 17, 64])
def test_maco_keeps_its_magnitudes_whatever_its_phases(channels: int, size: int) -> None:
    phases = 30 * torch.randn(2, channels, size, size // 2 + 1, generator=generator(0))
    magnitudes = torch.fft.rfft2(maco.draw(phases, size), norm="forward").abs()
    torch.testing.assert_close(magnitudes, natural(channels, size).expand_as(magnitudes), atol=1e-6, rtol=1e-4)


def test_maco_takes_a_picture_s_phases() -> None:
    canvas = torch.randn(1, 3, 16, 16, generator=generator(0))
    drawn = torch.fft.rfft2(maco.draw(maco.write(canvas), 16))
    own = torch.fft.rfft2(canvas)
    turned = (drawn * own.conj())[..., 1:, 1:]  # the mean has no phase but its sign
    torch.testing.assert_close(turned.imag, torch.zeros_like(turned.imag), atol=1e-2, rtol=0)
    assert (turned.real > 0).all()


def test_the_spectrum_is_what_was_measured_where_it_was() -> None:
    strengths = natural(3, 128)
    assert torch.equal(strengths[:, 0, 0], torch.zeros(3))
    for colour, row in enumerate(STRENGTHS):
        for count, strength in zip(WAVES, row, strict=True):
            assert float(strengths[colour, count, 0]) == pytest.approx(strength)
            assert float(strengths[colour, 0, count]) == pytest.approx(strength)
    halfway = natural(3, 128)[0, 0, 4]  # a power law between 3 and 5 waves
    share = math.log(4 / 3) / math.log(5 / 3)
    assert float(halfway) == pytest.approx(STRENGTHS[0][2] ** (1 - share) * STRENGTHS[0][3] ** share)


def test_the_spectrum_measured_again(shared: Path) -> None:
    """On one photograph in five, each 128 px."""
    fit = Preprocess(128).fit
    photographs = [fit(read_image(path)) for path in sorted((shared / "data" / "photos").glob("*.jpg"))[::5]]
    canvas = to_canvas(torch.stack(photographs).clamp(0.02, 0.98))
    power = torch.fft.rfft2(canvas, norm="forward").abs().square().mean(dim=0)
    for count, measured in zip(WAVES, torch.tensor(STRENGTHS).T, strict=True):
        ring = (waves(128) - count).abs() < 0.5
        torch.testing.assert_close(power[:, ring].sqrt().mean(dim=1), measured, rtol=0.2, atol=0)


def test_shared_pictures_have_broad_forms_half_in_common() -> None:
    numbers = torch.randn(2, 3, 32, 17, 2, generator=generator(0))
    mixed = torch.fft.rfft2(fourier.draw_shared(numbers, 32), norm="forward")
    alone = torch.fft.rfft2(fourier.draw(numbers, 32), norm="forward")
    mean = (alone[0] + alone[1]) / 2
    torch.testing.assert_close(mixed[0, :, 2, 3], (alone[0] + mean)[:, 2, 3] / 2)
    torch.testing.assert_close(mixed[0, :, 7, 3], alone[0, :, 7, 3])


def test_a_pyramid_is_the_sum_of_its_levels() -> None:
    numbers = torch.zeros(1, 1, 16 * 16 + 8 * 8 + 4 * 4)
    numbers[..., -16:] = 2.0  # the coarsest level, flat
    numbers[..., 5 * 16 + 3] = 1.0  # one pixel of the finest
    canvas = laplacian.draw(numbers, 16)
    expected = torch.full((1, 1, 16, 16), 2.0)
    expected[..., 5, 3] = 3.0
    torch.testing.assert_close(canvas, expected)


def test_a_cppn_is_one_picture_at_every_size() -> None:
    numbers = cppn.start(3, 16, generator(0))[None]
    torch.testing.assert_close(cppn.draw(numbers, 33)[..., ::2, ::2], cppn.draw(numbers, 17))
    torch.testing.assert_close(cppn.draw(numbers, 9)[0, :, 2, 6], slow_cppn(numbers[0], -REACH / 2, REACH / 2))


def slow_cppn(numbers: Tensor, y: float, x: float) -> Tensor:
    """The colour of one place: layer by layer."""
    values, left = torch.tensor([x, y]), numbers
    for layer, outputs in enumerate([cppn.WIDTH] * cppn.DEPTH + [3]):
        if layer:
            turned = torch.atan(values)
            values = torch.cat([turned / 0.67, (turned**2 - 0.45) / 0.396])
        rows = left[: outputs * (len(values) + 1)].view(outputs, -1)
        left = left[rows.numel() :]
        values = torch.stack([(row[:-1] * values).sum() + row[-1] for row in rows])
    return values


@pytest.mark.parametrize("size", [4, 5])
def test_fourier_is_the_sum_of_waves(size: int) -> None:
    numbers = PARAMETERIZATIONS["fourier"].start(3, size, generator(2)) * 50
    torch.testing.assert_close(
        PARAMETERIZATIONS["fourier"].render(numbers[None], size)[0], slow_fourier(numbers, size), atol=1e-5, rtol=0
    )


def test_low_frequencies_weigh_the_same_at_every_size() -> None:
    small, large = torch.zeros(1, 3, 16, 9, 2), torch.zeros(1, 3, 32, 17, 2)
    small[:, :, 1, 2, 0] = large[:, :, 1, 2, 0] = 2.0
    torch.testing.assert_close(fourier.draw(large, 32)[..., ::2, ::2], fourier.draw(small, 16))


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

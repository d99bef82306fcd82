"""Transforms: a window of the picture, where the draws say it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from cutaway.featurevis.transforms import DRAWS, TRANSFORMS, move

MIDDLE = torch.full((1, DRAWS), 0.5)


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
def test_gives_square_pictures_in_range_that_carry_gradients(name: str) -> None:
    pictures = torch.rand(3, 3, 20, 20, requires_grad=True)
    seen = TRANSFORMS[name](pictures, torch.rand(3, DRAWS))
    assert seen.shape[:2] == (3, 3)
    assert seen.shape[2] == seen.shape[3] > 10
    assert 0 <= seen.min() <= seen.max() <= 1
    (gradient,) = torch.autograd.grad(seen.sum(), pictures)
    assert (gradient[:, :, 8:12, 8:12] > 0).all()


def test_middle_draws_show_the_middle() -> None:
    picture = torch.rand(1, 3, 20, 20)
    seen = move(picture, MIDDLE, degrees=10.0, zoom=0.2, shift=0.1)
    torch.testing.assert_close(seen, picture[..., 2:18, 2:18])


@pytest.mark.parametrize(("right", "down"), [(0.0, 0.5), (1.0, 0.0), (0.25, 0.75)])
def test_shifts_by_whole_pixels_are_slices(right: float, down: float) -> None:
    picture = torch.rand(1, 3, 20, 20)
    draws = torch.tensor([[0.5, 0.5, right, down]])
    left, top = (round(2 + 2 * (2 * share - 1)) for share in (right, down))
    seen = move(picture, draws, degrees=10.0, zoom=0.2, shift=0.1)
    torch.testing.assert_close(seen, picture[..., top : top + 16, left : left + 16], atol=1e-5, rtol=0)


@pytest.mark.parametrize("draws", [(1.0, 0.5, 0.5, 0.5), (0.5, 1.0, 0.5, 0.5), (0.2, 0.7, 0.4, 0.9)])
def test_turns_and_scales_as_told(draws: tuple[float, ...]) -> None:
    """Away from the edges each pixel is the linear interpolation at the point where the map sends it."""
    side, degrees, zoom, shift = 24, 10.0, 0.2, 0.1
    picture = torch.rand(1, 1, side, side)
    seen = move(picture, torch.tensor([draws]), degrees=degrees, zoom=zoom, shift=shift)[0, 0]
    angle, scale, right, down = (2 * draw - 1 for draw in draws)
    angle, factor = math.radians(degrees * angle), (1 + zoom) ** scale
    reach = (side - len(seen)) / 2
    for row, column in ((9, 9), (4, 12), (12, 5)):
        y, x = row - (len(seen) - 1) / 2, column - (len(seen) - 1) / 2
        there_x = factor * (x * math.cos(angle) - y * math.sin(angle)) + reach * right + (side - 1) / 2
        there_y = factor * (x * math.sin(angle) + y * math.cos(angle)) + reach * down + (side - 1) / 2
        assert float(seen[row, column]) == pytest.approx(interpolated(picture[0, 0], there_y, there_x), abs=1e-4)


def test_each_picture_moves_by_its_own_draws() -> None:
    pictures, draws = torch.rand(3, 3, 20, 20), torch.rand(3, DRAWS)
    together = TRANSFORMS["standard"](pictures, draws)
    alone = TRANSFORMS["standard"](pictures[1:2], draws[1:2])
    torch.testing.assert_close(together[1:2], alone)


def test_none_is_the_picture_itself() -> None:
    pictures = torch.rand(2, 3, 8, 8)
    assert TRANSFORMS["none"](pictures, torch.rand(2, DRAWS)) is pictures


def interpolated(picture: Tensor, y: float, x: float) -> float:
    top, left = math.floor(y), math.floor(x)
    down, right = y - top, x - left
    corners = picture[top : top + 2, left : left + 2]
    weights = torch.tensor([[(1 - down) * (1 - right), (1 - down) * right], [down * (1 - right), down * right]])
    return float((corners * weights).sum())

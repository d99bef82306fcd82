"""Pooling by direction, and a soft maximum over places: against loops, and what they leave free."""

from __future__ import annotations

import math

import pytest
import torch

from cutaway.core.errors import OptionError
from cutaway.whitebox import DirectionalPool2d, Somewhere, weights_held

DRAW = torch.Generator().manual_seed(3)
MAPS = torch.randn(2, 8, 5, 6, generator=DRAW)


def literal(maps: torch.Tensor, channel: int, y: int, x: int, reach: int) -> float:
    """The largest value in the channel's own corner, by looking at every place of it."""
    up, left = channel % 4 < 2, channel % 2 == 0
    rows = range(y - reach, y + 1) if up else range(y, y + reach + 1)
    columns = range(x - reach, x + 1) if left else range(x, x + reach + 1)
    return max(
        float(maps[channel, row, column])
        for row in rows
        for column in columns
        if 0 <= row < maps.shape[1] and 0 <= column < maps.shape[2]
    )


@pytest.mark.parametrize("reach", [1, 2, 7])
def test_each_channel_is_its_maximum_over_its_own_corner(reach: int) -> None:
    pooled = DirectionalPool2d(reach)(MAPS)
    assert pooled.shape == MAPS.shape
    for channel in range(8):
        for y, x in [(0, 0), (4, 5), (2, 3), (1, 5)]:
            assert float(pooled[1, channel, y, x]) == literal(MAPS[1], channel, y, x, reach)


def test_a_part_may_move_within_its_corner_and_not_out_of_it() -> None:
    maps = torch.zeros(1, 4, 7, 7)
    maps[0, 3, 5, 4] = 1.0  # lower right of (3, 3)
    maps[0, 0, 5, 4] = 1.0  # the same place is not in the upper left corner
    pooled = DirectionalPool2d(2)(maps)
    assert float(pooled[0, 3, 3, 3]) == 1.0
    assert float(pooled[0, 0, 3, 3]) == 0.0
    assert float(pooled[0, 3, 2, 3]) == 0.0  # three places down is out of reach


def test_channels_that_four_does_not_divide() -> None:
    with pytest.raises(OptionError, match="6 channels for 4 corners; expected a multiple of 4; try 8 output channels"):
        DirectionalPool2d()(MAPS[:, :6])
    with pytest.raises(OptionError, match="reach is 0; expected a whole number of at least 1"):
        DirectionalPool2d(0)


def test_somewhere_is_a_softmax_weighted_sum_over_places() -> None:
    found = Somewhere(0.5)(MAPS)
    values = MAPS[1, 3].flatten().tolist()
    weights = [math.exp(value / 0.5) for value in values]
    expected = sum(weight * value for weight, value in zip(weights, values, strict=True)) / sum(weights)
    assert float(found[1, 3]) == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(Somewhere(1e-4)(MAPS), MAPS.amax((2, 3)))
    torch.testing.assert_close(Somewhere(1e6)(MAPS), MAPS.mean((2, 3)), atol=1e-5, rtol=0)


def test_held_somewhere_is_linear() -> None:
    maps = MAPS.double().requires_grad_()
    pool = Somewhere(0.5)
    with weights_held(pool):
        output = pool(maps)
    (slope,) = torch.autograd.grad(output.sum(), maps)
    torch.testing.assert_close((slope * maps).sum(), output.sum())
    torch.testing.assert_close(slope.sum((2, 3)), torch.ones(2, 8, dtype=torch.float64))


def test_somewhere_needs_a_temperature() -> None:
    with pytest.raises(OptionError, match=r"temperature is 0\.0; expected a number above 0"):
        Somewhere(0.0)

"""SoftMaxPool, GroupMean and Scale: limits, bounds, homogeneity, and a literal re-derivation."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.core.errors import OptionError
from cutaway.whitebox import GroupMean, Scale, SoftMaxPool, weights_held

UNITS = torch.randn(4, 12, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def literal(units: list[float], t: float) -> float:
    """softmax-weighted sum of one group, written out."""
    top = max(units)
    weights = [math.exp((u - top) / t) for u in units]
    return sum(w * u for w, u in zip(weights, units, strict=True)) / sum(weights)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 7.0])
def test_soft_max_pool_is_the_weighted_sum_of_consecutive_groups(temperature: float) -> None:
    pooled = SoftMaxPool(3, temperature)(UNITS)
    assert pooled.shape == (4, 3, 3, 2)
    for b, k, y, x in [(0, 0, 0, 0), (3, 2, 1, 1), (1, 1, 2, 0)]:
        expected = literal(UNITS[b, 4 * k : 4 * k + 4, y, x].tolist(), temperature)
        assert float(pooled[b, k, y, x]) == pytest.approx(expected, abs=1e-12)


def test_soft_max_pool_s_limits_are_the_maximum_and_the_mean() -> None:
    groups = UNITS.unflatten(1, (3, 4))
    torch.testing.assert_close(SoftMaxPool(3, 1e-4)(UNITS), groups.amax(2))
    torch.testing.assert_close(SoftMaxPool(3, 1e9)(UNITS), groups.mean(2), atol=1e-7, rtol=0)
    assert bool((SoftMaxPool(3, 1.0)(UNITS) <= groups.amax(2)).all())
    constant = torch.full((2, 12), -3.25)
    torch.testing.assert_close(SoftMaxPool(4)(constant), constant[:, :4])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=6, max_size=6), st.floats(0.05, 20))
def test_soft_max_pool_lies_between_mean_and_maximum(units: list[float], temperature: float) -> None:
    given_units = torch.tensor([units], dtype=torch.float64)
    pooled = SoftMaxPool(2, temperature)(given_units)[0]
    groups = given_units.view(2, 3)
    assert bool((pooled <= groups.amax(1) + 1e-9).all())
    assert bool((pooled >= groups.mean(1) - 1e-9).all())


def test_held_weights_make_the_output_its_gradient_times_the_input() -> None:
    pool = SoftMaxPool(3, 0.5)
    units = UNITS.clone().requires_grad_()

    def gap() -> float:
        output = pool(units)
        (gradient,) = torch.autograd.grad(output.sum(), units)
        return (output.sum() - (gradient * units).sum()).abs().item()

    assert gap() > 0.1  # else the next line shows nothing
    with weights_held(pool):
        assert gap() < 1e-10
    assert pool.detach is False


def test_gradients_are_right_in_double_precision() -> None:
    units = UNITS[:2, :, 0, 0].clone().requires_grad_()
    assert torch.autograd.gradcheck(SoftMaxPool(3, 0.7), (units,))


def test_group_mean_is_linear_and_scale_is_one_number() -> None:
    torch.testing.assert_close(GroupMean(3)(UNITS), UNITS.unflatten(1, (3, 4)).mean(2))
    scale = Scale(2.5)
    torch.testing.assert_close(scale(UNITS), 2.5 * UNITS)
    assert sum(p.numel() for p in scale.parameters()) == 1


@pytest.mark.parametrize("layer", [SoftMaxPool(5), GroupMean(5)])
def test_groups_that_do_not_divide_the_units(layer: torch.nn.Module) -> None:
    with pytest.raises(OptionError, match=r"12 units in 5 groups; expected .* a multiple of 5; try"):
        layer(UNITS)


def test_bad_options() -> None:
    for temperature in [0.0, -1.0]:
        with pytest.raises(OptionError, match=r"temperature is .*; expected a number above 0; try temperature=1.0"):
            SoftMaxPool(2, temperature)
    with pytest.raises(OptionError, match="groups is 0; expected a whole number of at least 1"):
        GroupMean(0)
    pool = SoftMaxPool(3)
    pool.temperature = -2.0
    with pytest.raises(OptionError, match=r"temperature is -2\.0"):
        pool(UNITS)

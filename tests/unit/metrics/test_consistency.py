"""unit_consistency: Pearson's correlation of a unit with itself on changed pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import cutaway as cw
from cutaway.metrics import unit_consistency
from cutaway.metrics.consistency import correlations

PICTURES = torch.rand(8, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def model() -> cw.Model:
    """Unit 0 reads red, unit 1 the mean of all channels, unit 2 nothing."""
    conv = nn.Conv2d(3, 3, 1, bias=False)
    conv.weight.data = torch.tensor([[1.0, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0, 0]])[:, :, None, None]
    module = nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    return cw.Model(module, cw.Preprocess(size=6), ["a", "b", "c"])


def test_a_unit_that_reads_all_colours_alike_does_not_mind_their_order() -> None:
    found = unit_consistency(model(), "0", PICTURES, lambda pictures: pictures.flip(1))
    assert found.n == 2  # the unit that never differs is not asked
    assert found.values[1] == pytest.approx(1, abs=1e-6)
    expected = np.corrcoef(PICTURES[:, 0].flatten().numpy(), PICTURES[:, 2].flatten().numpy())[0, 1]
    assert found.values[0] == pytest.approx(expected, abs=1e-5)


def test_a_picture_that_loses_all_is_no_agreement() -> None:
    assert unit_consistency(model(), "0", PICTURES, torch.zeros_like).values == (0.0, 0.0)


def test_what_the_change_draws_repeats_with_the_seed() -> None:
    def noisy(pictures: torch.Tensor) -> torch.Tensor:
        return pictures + 0.3 * torch.randn_like(pictures)

    one, again, other = (unit_consistency(model(), "0", PICTURES, noisy, seed=seed) for seed in (0, 0, 1))
    assert one.values == again.values != other.values


def test_correlations_row_by_row() -> None:
    first, second = torch.randn(2, 4, 50, generator=torch.Generator().manual_seed(1))
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(first.numpy(), second.numpy(), strict=True)]
    np.testing.assert_allclose(correlations(first, second), expected, atol=1e-6)

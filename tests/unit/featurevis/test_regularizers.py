"""Regularizers: what is charged, and that a charge changes the picture the way it says."""

from __future__ import annotations

import pytest
import torch

from cutaway.featurevis import REGULARIZERS, unit, visualize
from cutaway.featurevis.regularizers import contrast, variation
from cutaway.nets.model import Model

CHARGES = ["contrast", "variation"]


def test_flat_grey_costs_nothing() -> None:
    grey = torch.full((2, 3, 8, 8), 0.5)
    for name in CHARGES:
        assert torch.equal(REGULARIZERS[name](grey), torch.zeros(2))


def test_variation_is_the_mean_difference_of_neighbours() -> None:
    picture = torch.zeros(1, 1, 4, 4)
    picture[..., 2:] = 1  # one edge among three from left to right, none from top to bottom
    assert float(variation(picture)) == pytest.approx(5 * 1 / 3)


def test_contrast_of_black_and_white_is_one() -> None:
    assert float(contrast(torch.tensor([0.0, 1.0]).expand(1, 3, 2, 2))) == pytest.approx(1)


@pytest.mark.parametrize("name", CHARGES)
def test_a_charge_gives_a_picture_with_less_of_it(model: Model, name: str) -> None:
    plain = visualize(model, unit("3:1"), size=32, steps=24)
    charged = visualize(model, unit("3:1"), size=32, steps=24, regularizers=[(name, 1.0)])
    assert REGULARIZERS[name](charged.pictures) < 0.8 * REGULARIZERS[name](plain.pictures)

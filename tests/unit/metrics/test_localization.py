"""Localization on a network whose evidence is known: class c is the mean of colour c."""

import pytest
import torch
from jaxtyping import TypeCheckError

from cutaway.attribution import Attribution
from cutaway.core.errors import DataError, OptionError, PictureError
from cutaway.metrics import energy_in_mask, focus, grid_pointing, pointing_game
from cutaway.metrics.mosaics import focus_mosaics, grid_mosaics, resized

SIDE = 6


def by_colour(x):
    """The score of class c is how much of colour c there is; nine classes are the products of three colours' powers."""
    return x.mean(dim=(2, 3))


def colours(count=4):
    """`count` pictures of each of three pure colours, and their classes."""
    labels = torch.arange(3).repeat(count)
    drawn = torch.zeros(len(labels), 3, SIDE, SIDE)
    drawn[torch.arange(len(labels)), labels] = 0.8
    return drawn, labels


def blind(forward, inputs, target=None, **options):
    return Attribution(torch.ones(len(inputs), *inputs.shape[-2:]), torch.zeros(len(inputs), dtype=torch.long), "blind")


def lit(y, x):
    """A method whose highest value is at one place."""

    def method(forward, inputs, target=None, **options):
        values = torch.zeros(len(inputs), *inputs.shape[-2:])
        values[:, y, x] = 1
        return Attribution(values, torch.zeros(len(inputs), dtype=torch.long), "lit")

    return method


def test_focus_finds_what_a_network_sees_by_colour():
    drawn, labels = colours()
    assert focus(by_colour, "input_x_gradient", drawn, labels, n=20).value == pytest.approx(1)
    found = focus(by_colour, blind, drawn, labels, n=20)
    assert found.value == pytest.approx(0.5)
    assert found.n == 20


def test_the_sign_decides():
    drawn, labels = colours()
    against = focus(lambda x: -by_colour(x) + 5 * by_colour(1 - x), "input_x_gradient", drawn, labels, n=10)
    assert against.n == 0 or against.value < 0.01  # nothing argues for the class where its colour is


def test_mosaics_hold_two_of_the_class_and_two_of_others():
    labels = torch.arange(5).repeat(4)
    plan = focus_mosaics(labels, 50, seed=3)
    shown = labels[plan.cells]
    assert torch.equal(plan.right, shown == plan.target[:, None, None])
    assert plan.right.sum(dim=(1, 2)).tolist() == [2] * 50
    others = [set(cells.flatten().tolist()) for cells in shown]
    assert all(len(classes) == 3 for classes in others)
    assert all(len(set(cells.flatten().tolist())) == 4 for cells in plan.cells)
    assert set(plan.right.flatten(1).float().mean(dim=0).gt(0.3).tolist()) == {True}  # the right cells go round
    assert torch.equal(plan.cells, focus_mosaics(labels, 50, seed=3).cells)
    assert not torch.equal(plan.cells, focus_mosaics(labels, 50, seed=4).cells)


def test_grids_hold_as_many_classes_as_cells():
    labels = torch.arange(12).repeat(2)
    plan = grid_mosaics(labels, 30, seed=1)
    shown = labels[plan.cells]
    assert all(len(set(cells.flatten().tolist())) == 9 for cells in shown)
    assert torch.equal(plan.right, shown == plan.target[:, None, None])


def test_grid_pointing():
    labels = torch.arange(9)
    drawn = torch.rand(9, 3, SIDE, SIDE)
    assert grid_pointing(by_colour_of_nine, blind, drawn, labels, n=5).value == pytest.approx(1 / 9)
    coded = torch.zeros(9, 3, SIDE, SIDE)
    for label in range(9):
        coded[label, 0] = (label + 1) / 10
    assert grid_pointing(by_colour_of_nine, "input_x_gradient", coded, labels, n=5).value > 0.99


def by_colour_of_nine(x):
    """Class c is how much of the picture has a red of (c + 1) / 10."""
    levels = (torch.arange(9.0) + 1) / 10
    near = torch.exp(-(((x[:, :1] - levels.view(1, 9, 1, 1)) / 0.01) ** 2))
    return (near * x[:, :1]).mean(dim=(2, 3))


def test_pictures_are_laid_where_the_plan_says():
    drawn, labels = colours()
    plan = focus_mosaics(labels, 3)
    laid, target, right = next(plan.laid(drawn))
    assert laid.shape == (3, 3, 2 * SIDE, 2 * SIDE)
    assert torch.equal(laid[1, :, SIDE:, :SIDE], drawn[plan.cells[1, 1, 0]])
    assert torch.equal(right[1, SIDE:, :SIDE], plan.right[1, 1, 0].float().expand(SIDE, SIDE))
    assert torch.equal(target, plan.target)
    assert resized(drawn, 4).shape == (12, 3, 4, 4)
    assert resized(drawn, None) is drawn


def test_energy_in_mask_is_the_share_inside():
    drawn, _ = colours(1)
    masks = torch.zeros(3, SIDE, SIDE, dtype=torch.bool)
    masks[0, :2] = True
    masks[1, :3, :3] = True
    found = energy_in_mask(by_colour, blind, drawn, masks)
    assert found.values == pytest.approx([2 / SIDE, 9 / SIDE**2])  # the third mask is empty
    assert found.n == 2


def test_pointing_game_with_and_without_tolerance():
    drawn, _ = colours(1)
    masks = torch.zeros(3, SIDE, SIDE, dtype=torch.bool)
    masks[:2, 1, 1] = True
    masks[2, 3, 3] = True
    assert pointing_game(by_colour, lit(1, 1), drawn, masks).values == (1, 1, 0)
    assert pointing_game(by_colour, lit(2, 2), drawn, masks).values == (0, 0, 0)
    assert pointing_game(by_colour, lit(2, 2), drawn, masks, tolerance=1).values == (1, 1, 1)
    assert pointing_game(by_colour, blind, drawn, masks).n == 0


def test_errors():
    drawn, labels = colours()
    with pytest.raises(DataError, match="12 pictures with 3 classes of at least 1; expected 9 such"):
        grid_pointing(by_colour, blind, drawn, labels)
    with pytest.raises(DataError, match="3 pictures with 0 classes of at least 2; expected 1 such"):
        focus(by_colour, blind, drawn[:3], labels[:3])
    with pytest.raises(OptionError, match="0 mosaics; expected at least 1"):
        focus(by_colour, blind, drawn, labels, n=0)
    with pytest.raises(OptionError, match="a side of 1; expected at least 2"):
        grid_mosaics(labels, 3, side=1)
    with pytest.raises(OptionError, match="a cell of 2 pixels"):
        focus(by_colour, blind, drawn, labels, cell=2)
    with pytest.raises((PictureError, TypeCheckError)):
        energy_in_mask(by_colour, blind, drawn, torch.ones(12, 3, 3, dtype=torch.bool))
    with pytest.raises(PictureError, match="gave values of shape"):
        focus(by_colour, _vector, drawn, labels, n=2)


def _vector(forward, inputs, target=None, **options):
    return Attribution(torch.ones(len(inputs), 5), torch.zeros(len(inputs), dtype=torch.long), "vector")

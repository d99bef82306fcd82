"""Redirected gradients: only where all would be lost, whichever way a network calls its ReLUs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cutaway.featurevis.awake import awake

WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
    "function": F.relu,
    "function in place": lambda x: F.relu(x, inplace=True),
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
    "ReLU6": nn.ReLU6(),
    "relu6": F.relu6,
    "ReLU6 in place": nn.ReLU6(inplace=True),
}
VALUES = torch.tensor([[-1.0, -2.0, -3.0], [-1.0, 2.0, -3.0]])


def gradient(relu: Callable[[Tensor], Tensor], weights: Tensor) -> Tensor:
    """Of the weighted sum that is minimised, by what the ReLU is given."""
    values = VALUES.clone().requires_grad_()
    (found,) = torch.autograd.grad((relu(values * 1) * weights).sum(), values)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_only_pictures_that_lost_all_gradient_get_another(way: str) -> None:
    weights = torch.tensor([[-1.0, 1.0, -2.0], [-1.0, -1.0, -1.0]])
    with awake():
        found = gradient(WAYS[way], weights)
    assert torch.equal(found[0], torch.tensor([-1.0, 0.0, -2.0]))  # where descent raises the output
    assert torch.equal(found[1], torch.tensor([0.0, -1.0, 0.0]))  # the usual one
    assert torch.equal(gradient(WAYS[way], weights)[0], torch.zeros(3))  # as ever, outside


@pytest.mark.parametrize("way", WAYS)
def test_answers_are_unchanged(way: str) -> None:
    values = 5 * torch.randn(4, 3, 8, 8)
    usual = WAYS[way](values.clone())
    with awake():
        assert torch.equal(WAYS[way]((values.clone().requires_grad_()) * 1), usual)
        assert torch.equal(WAYS[way](values.clone()), usual)


def test_in_place_really_is_in_place() -> None:
    values = torch.randn(2, 5).requires_grad_() * 1
    with awake():
        F.relu(values, inplace=True)
    assert values.min() == 0


def test_capped_pictures_are_lowered_where_that_helps() -> None:
    values = torch.full((1, 2), 9.0, requires_grad=True)
    with awake():
        (found,) = torch.autograd.grad((F.relu6(values) * torch.tensor([1.0, -1.0])).sum(), values)
    assert torch.equal(found, torch.tensor([[1.0, 0.0]]))


def test_a_network_keeps_its_gradients() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3), nn.ReLU())
    pictures = torch.randn(2, 3, 9, 9, requires_grad=True)
    usual = torch.autograd.grad(net(pictures).square().sum(), pictures)[0]
    with awake():
        kept = torch.autograd.grad(net(pictures).square().sum(), pictures)[0]
    torch.testing.assert_close(kept, usual)

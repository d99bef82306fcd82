"""Muon: its iteration orthogonalises, its step does what the rule says, written out slowly."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cutaway.core.seeds import generator
from cutaway.training import muon
from cutaway.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_singular_vectors_stay_and_singular_values_are_drawn_together(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=generator(0, shape))
    before, after = torch.linalg.svd(matrix, full_matrices=False), orthogonal(matrix, steps=6)
    inside = before.U.T @ after @ before.Vh.T  # diagonal where the singular vectors are the same
    torch.testing.assert_close(inside, torch.diag(inside.diag()), atol=1e-4, rtol=0)
    assert inside.diag().min() > 0.6
    assert inside.diag().max() < 1.3


def test_one_iteration_is_the_quintic_of_each_singular_value() -> None:
    matrix = torch.randn(5, 9, generator=generator(1))
    u, s, v = torch.linalg.svd(matrix / matrix.norm(), full_matrices=False)
    expected = u @ torch.diag(3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5) @ v
    torch.testing.assert_close(orthogonal(matrix, steps=1), expected, atol=1e-5, rtol=1e-4)


def test_two_steps_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(muon, "quick", lambda weight: weight.dtype)  # as where half precision is no quicker
    draw = generator(2)
    weight = nn.Parameter(torch.randn(4, 3, 2, 2, generator=draw))
    gradients = torch.randn(2, 4, 3, 2, 2, generator=draw)
    by_hand, momentum = weight.detach().clone().flatten(1), torch.zeros(4, 12)
    optimizer = Muon([weight], lr=0.1, momentum=0.6)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
        momentum = 0.6 * momentum + gradient.flatten(1)
        by_hand = by_hand / by_hand.norm() * 2 - 0.1 * orthogonal(gradient.flatten(1) + 0.6 * momentum)
    torch.testing.assert_close(weight.detach().flatten(1), by_hand)


def test_half_precision_steps_nearly_as_far_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    for precision in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(muon, "quick", lambda _, precision=precision: precision)
        weight = nn.Parameter(torch.randn(48, 24, 3, 3, generator=generator(3)))
        begun = weight.detach() * 48**0.5 / weight.detach().norm()
        weight.grad = torch.randn(weight.shape, generator=generator(4))
        Muon([weight]).step()
        steps.append(weight.detach() - begun)
    assert weight.dtype == torch.float32
    assert 0 < (steps[1] - steps[0]).norm() < 0.05 * steps[0].norm()


def test_a_weight_without_a_gradient_is_left_alone() -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    Muon([weight]).step()
    assert torch.equal(weight.detach(), torch.ones(2, 2))

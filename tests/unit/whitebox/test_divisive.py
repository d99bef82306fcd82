"""DivisiveNorm2d, SoftGate and Contrast: what keeps a network's scores adding up from its pixels."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from cutaway.core.errors import OptionError
from cutaway.whitebox import Contrast, DivisiveNorm2d, SoftGate, weights_held
from cutaway.whitebox.contrast import NEAR, ROUNDS

MAPS = (
    torch.randn(6, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0, 0.2])[:, None, None]
)


def test_in_training_every_channel_is_divided_by_its_root_mean_square() -> None:
    norm = DivisiveNorm2d(3)
    found = norm(MAPS)
    for channel in range(3):
        values = MAPS[:, channel].flatten().tolist()
        size = math.sqrt(sum(value * value for value in values) / len(values) + 1e-5)
        torch.testing.assert_close(found[:, channel], MAPS[:, channel] / size)
        assert float(norm.mean_square[channel]) == pytest.approx(0.9 + 0.1 * (size**2 - 1e-5), rel=1e-5)


def test_in_eval_it_is_one_factor_per_channel_whatever_else_is_in_the_batch() -> None:
    norm = DivisiveNorm2d(3)
    norm(MAPS)
    norm.eval()
    torch.testing.assert_close(norm(MAPS)[2:3], norm(MAPS[2:3]))
    torch.testing.assert_close(norm(3 * MAPS), 3 * norm(MAPS))  # no offset, no mean taken away


def test_its_derivatives_by_hand_are_those_of_the_formula() -> None:
    norm = DivisiveNorm2d(3).double()
    maps = MAPS[:2, :, :2, :2].double().requires_grad_()
    weight = torch.tensor([0.5, 2.0, -1.0], dtype=torch.float64, requires_grad=True)

    def divided(maps: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(norm, {"weight": weight}, (maps,))  # type: ignore[no-any-return]  # it answers Any

    assert torch.autograd.gradcheck(divided, (maps, weight))
    assert torch.autograd.gradgradcheck(divided, (maps, weight))


def test_it_keeps_signs_and_takes_no_mean() -> None:
    assert bool((DivisiveNorm2d(3)(MAPS).sign() == MAPS.sign()).all())


def test_no_channels() -> None:
    with pytest.raises(OptionError, match="channels is 0; expected a whole number of at least 1; try channels=64"):
        DivisiveNorm2d(0)


def test_a_soft_gate_is_gelu_and_held_it_is_its_own_gradient_times_its_input() -> None:
    inputs = torch.linspace(-4, 4, 41, dtype=torch.float64, requires_grad=True)
    gate = SoftGate()
    torch.testing.assert_close(gate(inputs), nn.functional.gelu(inputs))
    with weights_held(gate):
        outputs = gate(inputs)
    (slope,) = torch.autograd.grad(outputs.sum(), inputs)
    torch.testing.assert_close(outputs, nn.functional.gelu(inputs))
    torch.testing.assert_close(slope * inputs, outputs)
    share = [0.5 * (1 + math.erf(value / math.sqrt(2))) for value in inputs.tolist()]
    torch.testing.assert_close(slope, torch.tensor(share, dtype=torch.float64))


def test_contrast_leaves_probabilities_and_makes_gradients_add_up_to_nothing() -> None:
    scores = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(Contrast()(scores).softmax(1), scores.softmax(1))
    torch.testing.assert_close(Contrast()(scores).sum(1), torch.zeros(4, dtype=torch.float64))
    maps = scores[:, :, None, None].expand(-1, -1, 2, 2)
    torch.testing.assert_close(Contrast()(maps)[..., 1, 0], Contrast()(scores))


def test_contrast_against_the_middle_counts_each_class_by_how_near_the_middle_it_is() -> None:
    scores = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for row, found in zip(scores, Contrast("middle")(scores), strict=True):
        spread = math.sqrt(sum((u - row.mean()) ** 2 for u in row.tolist()) / 5)
        centre = row.mean()
        for _ in range(ROUNDS):
            weights = [1 / math.hypot(u - centre, NEAR * spread) for u in row.tolist()]
            centre = sum(w * u for w, u in zip(weights, row, strict=True)) / sum(weights)
        torch.testing.assert_close(found, row - centre)
    torch.testing.assert_close(Contrast("middle")(scores).softmax(1), scores.softmax(1))
    torch.testing.assert_close(Contrast("middle")(1e3 * scores), 1e3 * Contrast("middle")(scores))
    maps = scores[:, :, None, None].expand(-1, -1, 2, 2)
    torch.testing.assert_close(Contrast("middle")(maps)[..., 1, 0], Contrast("middle")(scores))


def test_a_class_that_speaks_for_itself_alone_leaves_the_other_gradients() -> None:
    """Ten classes, whose gradients have nothing in common; one is ten times as long as the others."""
    templates = torch.eye(10, dtype=torch.float64)
    templates[0] *= 10
    pictures = torch.ones(1, 10, dtype=torch.float64, requires_grad=True)
    cosines = {}
    for against in ("mean", "middle"):
        with weights_held(contrast := Contrast(against)):
            scores = contrast(pictures @ templates.T)[0]
        slopes = torch.cat([torch.autograd.grad(score, pictures, retain_graph=True)[0] for score in scores])
        torch.testing.assert_close(slopes.sum(1), scores)  # exact: x is all ones
        units = nn.functional.normalize(slopes, dim=1)
        cosines[against] = float((units.sum(0).square().sum() - 10) / 90)
    assert cosines["mean"] > 0.2
    assert cosines["middle"] == pytest.approx(-1 / 9, abs=0.02)


def test_contrast_of_scores_that_are_all_alike_is_nothing_and_can_be_learned_from() -> None:
    scores = torch.full((2, 4), 3.0, dtype=torch.float64, requires_grad=True)
    found = Contrast("middle")(scores)
    (slopes,) = torch.autograd.grad(found[:, 0].sum(), scores)
    torch.testing.assert_close(found, torch.zeros(2, 4, dtype=torch.float64))
    assert bool(slopes.isfinite().all())


def test_contrast_against_something_else_is_an_error() -> None:
    with pytest.raises(OptionError, match='no against "least"; expected one of mean, middle'):
        Contrast("least")


@pytest.mark.parametrize("layer", [DivisiveNorm2d(2).double().eval(), SoftGate(), Contrast(), Contrast("middle")])
def test_gradients_in_float64(layer: nn.Module) -> None:
    inputs = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (inputs,))

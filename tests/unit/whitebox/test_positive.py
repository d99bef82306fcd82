"""PositiveConv2d: weights are >= 0 at every moment, learn, load and store."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cutaway.core.errors import OptionError, WeightsError
from cutaway.whitebox import Contrast, PositiveConv2d

KINDS = ["clamp", "least", "softplus", "square"]
PICTURES = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def layer(kind: str) -> PositiveConv2d:
    torch.manual_seed(0)
    return PositiveConv2d(3, 6, 3, positivity=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_stay_positive_after_every_step_and_learn(kind: str) -> None:
    convolution = layer(kind)
    target = PositiveConv2d(3, 6, 3)(PICTURES).detach()
    optimizer = torch.optim.Adam(convolution.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (convolution(PICTURES) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        assert float(convolution.weight.detach().min()) >= 0
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_more_of_any_input_never_gives_less(kind: str) -> None:
    convolution = layer(kind)
    assert bool((convolution(PICTURES + torch.rand_like(PICTURES)) >= convolution(PICTURES)).all())
    torch.testing.assert_close(convolution(torch.ones(1, 3, 3, 3)), torch.ones(1, 6, 1, 1))


def test_a_clamped_weight_below_zero_comes_back() -> None:
    convolution = layer("clamp")
    free = dict(convolution.named_parameters())["parametrizations.weight.original"]
    with torch.no_grad():
        free.fill_(-0.1)
    (-convolution(PICTURES)).sum().backward()  # asks for more of everything
    assert free.grad is not None
    assert bool((free.grad < 0).all())


def test_before_a_contrast_least_is_what_signed_weights_are() -> None:
    positive, signed = layer("least"), nn.Conv2d(3, 6, 3, bias=False)
    with torch.no_grad():
        positive.free().copy_(signed.weight)
    assert float(positive.weight.detach().min()) == 0
    torch.testing.assert_close(Contrast()(positive(PICTURES)), Contrast()(signed(PICTURES)))
    for each in (positive, signed):
        Contrast()(each(PICTURES)).square().sum().backward()
    slope = positive.free().grad
    assert slope is not None
    assert signed.weight.grad is not None
    shared = signed.weight.grad.mean(0, keepdim=True)  # what all outputs share, no contrast asks to change
    torch.testing.assert_close(slope, signed.weight.grad, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(shared, torch.zeros_like(shared), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_stored_and_loaded_to_the_bit_and_takes_plain_weights(kind: str) -> None:
    convolution, other = layer(kind), PositiveConv2d(3, 6, 3, positivity=kind)
    other.load_state_dict(convolution.state_dict())
    assert torch.equal(other.weight, convolution.weight)
    plain = nn.Conv2d(3, 6, 3, bias=False)
    plain.weight.data.abs_()
    other.load_state_dict(plain.state_dict())
    torch.testing.assert_close(other.weight, plain.weight, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_negative_weights_are_refused(kind: str) -> None:
    convolution = layer(kind)
    before = convolution.weight.detach().clone()
    message = r"negative \(least -.*\); expected finite weights >= 0 for a positive convolution; try weights.abs()"
    with pytest.raises(WeightsError, match=message):
        convolution.load_state_dict({"weight": -torch.rand(6, 3, 3, 3)})
    with pytest.raises(WeightsError, match=message):
        convolution.weight = -torch.rand(6, 3, 3, 3)
    assert torch.equal(convolution.weight, before)


def test_an_unknown_positivity() -> None:
    with pytest.raises(OptionError, match='no positivity "exp"; expected one of clamp, least, softplus, square'):
        PositiveConv2d(3, 6, 3, positivity="exp")

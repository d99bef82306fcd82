"""GumbelConv2d: what it looks at, that it repeats, and that it is its exported plain convolution."""

from __future__ import annotations

import copy

import pytest
import torch

from cutaway.core.errors import OptionError
from cutaway.whitebox import GumbelConv2d

PICTURES = torch.randn(2, 6, 9, 9, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_in_eval_it_is_its_exported_convolution_and_looks_at_top_k_channels(top_k: int) -> None:
    layer = GumbelConv2d(6, 5, 3, stride=2, padding=1, top_k=top_k, bias=True).eval()
    plain = layer.to_conv2d()
    assert type(plain) is torch.nn.Conv2d
    torch.testing.assert_close(layer(PICTURES), plain(PICTURES), atol=0, rtol=0)
    torch.testing.assert_close(layer(PICTURES), layer(PICTURES), atol=0, rtol=0)
    assert bool(((plain.weight != 0).sum(1) == top_k).all())


def test_in_training_choices_are_drawn_and_repeat_with_the_seed() -> None:
    first, again, other = (GumbelConv2d(6, 5, 3, seed=seed) for seed in (0, 0, 1))
    one, two = first.kernel(), first.kernel()
    assert not torch.equal(one, two)
    assert torch.equal(one, again.kernel())
    other.load_state_dict(first.state_dict())
    assert not torch.equal(other.kernel(), first.kernel())


def test_a_stored_layer_goes_on_with_the_draws_of_an_undisturbed_one() -> None:
    layer = GumbelConv2d(6, 5, 3)
    layer.kernel()
    resumed = GumbelConv2d(6, 5, 3)
    resumed.load_state_dict(copy.deepcopy(layer.state_dict()))
    assert torch.equal(layer.kernel(), resumed.kernel())


@pytest.mark.parametrize("hard", [False, True])
def test_a_drawn_choice_adds_up_to_top_k(hard: bool) -> None:
    layer = GumbelConv2d(6, 5, 3, top_k=2, hard=hard)
    choice = layer.kernel() / layer.weight
    torch.testing.assert_close(choice.sum(1), torch.full((5, 3, 3), 2.0), atol=1e-4, rtol=0)
    if hard:
        torch.testing.assert_close(choice.round(), choice, atol=1e-4, rtol=0)


def test_draws_follow_the_softmax_of_the_choices() -> None:
    layer = GumbelConv2d(3, 400, 1, hard=True)
    with torch.no_grad():
        layer.choices[:] = torch.log(torch.tensor([0.6, 0.3, 0.1]))[:, None, None]
        drawn = torch.stack([(layer.kernel() / layer.weight)[:, :, 0, 0].mean(0) for _ in range(25)]).mean(0)
    torch.testing.assert_close(drawn, torch.tensor([0.6, 0.3, 0.1]), atol=0.02, rtol=0)  # 10,000 draws


def test_a_low_temperature_makes_choices_one_hot_and_choices_learn() -> None:
    layer = GumbelConv2d(6, 5, 3, tau=1e-3)
    largest = (layer.kernel() / layer.weight).amax(1).detach()
    assert float(largest.mean()) > 0.99
    layer.tau = 1.0
    layer(PICTURES).square().sum().backward()
    assert layer.choices.grad is not None
    assert float(layer.choices.grad.abs().sum()) > 0


def test_settled_choices_train_the_kernel_that_eval_uses() -> None:
    layer = GumbelConv2d(6, 5, 3, padding=1, top_k=2)
    layer.settled = True
    assert torch.equal(layer.kernel(), layer.kernel())
    trained = layer(PICTURES)
    trained.square().sum().backward()
    assert layer.choices.grad is None  # they are made
    assert layer.weight.grad is not None
    assert bool(((layer.weight.grad != 0) == (layer.chosen() != 0)).all())
    torch.testing.assert_close(layer.eval()(PICTURES), trained, atol=0, rtol=0)


def test_without_noise_the_drawn_choice_is_the_softmax_of_the_choices() -> None:
    layer = GumbelConv2d(6, 5, 3, tau=0.5, noise=0.0)
    expected = torch.softmax(layer.choices / 0.5, 1)
    torch.testing.assert_close(layer.kernel() / layer.weight, expected)
    torch.testing.assert_close(layer.kernel(), layer.kernel(), atol=0, rtol=0)


def test_agreement_grows_as_choices_settle() -> None:
    layer = GumbelConv2d(6, 5, 3)
    unsettled = layer.agreement()
    with torch.no_grad():
        layer.choices *= 1000
    assert unsettled < 0.2 < 0.9 < layer.agreement()


def test_bad_options() -> None:
    for top_k in [0, 7]:
        with pytest.raises(OptionError, match=f"top_k is {top_k}; expected 1 to 6, the input channels; try top_k=1"):
            GumbelConv2d(6, 5, 3, top_k=top_k)
    with pytest.raises(OptionError, match=r"tau is 0\.0; expected a number above 0"):
        GumbelConv2d(6, 5, 3, tau=0.0)

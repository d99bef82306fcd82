"""A network is made for the weights that it is to take."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from cutaway.core.seeds import generator
from cutaway.nets.zoo.airbench_net import airbench_net
from cutaway.nets.zoo.by_weights import made_for
from cutaway.nets.zoo.smooth_convnet import filters, in_integers, smooth_convnet


@pytest.mark.parametrize("make", [airbench_net, smooth_convnet])
@pytest.mark.parametrize("widths", [(4,), (6, 8, 10)])
def test_weights_tell_make_widths_and_directions_of_the_stem(
    make: Callable[..., nn.Sequential], widths: tuple[int, ...]
) -> None:
    torch.manual_seed(3)
    begun = make(7, widths, 5)
    again = made_for(begun.state_dict(), 7)
    again.load_state_dict(begun.state_dict())
    assert [type(layer) for layer in again.modules()] == [type(layer) for layer in begun.modules()]
    pictures = torch.randn(2, 3, 32, 32, generator=generator(0))
    assert torch.equal(again.eval()(pictures), begun.eval()(pictures))


def test_other_weights_are_refused_where_they_are_loaded() -> None:
    other = nn.Linear(3, 2).state_dict()
    with pytest.raises(RuntimeError, match="Missing key"):
        made_for(other, 2).load_state_dict(other)


@torch.no_grad()
def test_a_network_of_maxima_says_the_same_in_whole_numbers() -> None:
    torch.manual_seed(3)
    network = airbench_net(10, (16, 24))
    pictures = torch.nn.functional.avg_pool2d(torch.randn(64, 3, 36, 36, generator=generator(0)), 5, 1) * 5
    for _ in range(30):
        network.train()(pictures)  # norms get to know what they divide by
    before = network.eval()(pictures)
    in_integers(network)
    normed = [conv for conv, _, norm in filters(network) if norm is not None]
    assert len(normed) == 4
    assert all(torch.equal(conv.weight, conv.weight.round()) for conv in normed)
    assert float((network(pictures) - before).square().mean().sqrt() / before.std()) < 0.03

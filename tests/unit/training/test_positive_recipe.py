"""The recipe of positive weights: rates that don't know how long the training is, and who trains what."""

from __future__ import annotations

import pytest
import torch

from cutaway.nets.zoo.positive_net import positive_net
from cutaway.training.cifar import entropy
from cutaway.training.recipes.positive import Config, agreement, asking, positive_weights, share


def test_a_longer_training_begins_as_a_shorter_one() -> None:
    short, long = Config(epochs=4, falling=2.0), Config(epochs=10, falling=2.0)
    assert [share(short, at) for at in (0.0, 0.1, 0.2, 1.0, 2.0)] == [0.0, 0.5, 1.0, 1.0, 1.0]
    assert [share(short, at) for at in (0.0, 0.1, 1.0, 2.0)] == [share(long, at) for at in (0.0, 0.1, 1.0, 2.0)]
    assert share(short, 3.0) == 0.5
    assert share(short, 4.0) == 0.0
    assert share(Config(epochs=1, falling=2.0), 0.2) == 1.0  # a short training reaches its rate as well


@pytest.mark.parametrize(("positivity", "count"), [("least", 0), ("softplus", 2), ("clamp", 2), ("square", 2)])
def test_weights_that_are_positive_one_by_one_are_not_muon_s(positivity: str, count: int) -> None:
    assert len(positive_weights(positive_net(4, 8, 12, positivity=positivity))) == count


def test_units_that_are_asked_come_to_agree_and_the_norms_stay() -> None:
    torch.manual_seed(0)
    network = positive_net(4, 8, 12).train()
    before = [norm.clone() for name, norm in network.named_buffers() if "mean_square" in name]
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    first = float(agreement(network, 8, 4).detach().mean())
    for _ in range(15):
        optimizer.zero_grad()
        (1 - agreement(network, 8, 4)).mean().backward()
        optimizer.step()
    assert float(agreement(network, 8, 4).detach().mean()) > first
    assert network.training
    after = [norm for name, norm in network.named_buffers() if "mean_square" in name]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_what_units_disagree_about_is_added_to_the_loss() -> None:
    torch.manual_seed(0)
    network, pictures, targets = positive_net(4, 8, 12), torch.randn(6, 3, 32, 32), torch.arange(6) % 4
    configs = [Config(asked=each, wanted=1.0) for each in (1e-6, 10.0)]
    losses = [asking(config, entropy(config))(network, pictures, targets).detach() for config in configs]
    assert losses[1] > losses[0]

"""The recipe of positive weights: rates that don't know how long the training is, and who trains what."""

from __future__ import annotations

import pytest

from cutaway.nets.zoo.positive_net import positive_net
from cutaway.training.recipes.positive import Config, positive_weights, share


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

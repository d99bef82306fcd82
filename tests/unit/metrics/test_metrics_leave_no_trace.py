"""Metrics leave a network as they found it, also the twins and blinded copies that they put around it."""

import pytest
import torch
from small_networks import SIZE, Convnet, pictures, seeded

from cutaway import Model, Preprocess
from cutaway.core.cache import hash_tensors
from cutaway.metrics import (
    completeness,
    deletion,
    dummy,
    energy_in_mask,
    focus,
    implementation_invariance,
    infidelity,
    insertion,
    linearity,
    max_sensitivity,
    pointing_game,
    sanity_check,
    sensitivity,
    sensitivity_n,
)

LABELS = torch.tensor([0, 0, 1, 1, 2, 2])
MASKS = torch.ones(6, SIZE, SIZE, dtype=torch.bool)
METRICS = {
    "energy_in_mask": lambda model, points: energy_in_mask(model, "gradient", points, MASKS),
    "pointing_game": lambda model, points: pointing_game(model, "gradient", points, MASKS),
    "focus": lambda model, points: focus(model, "gradient", points, LABELS, n=2),
    **{
        each.__name__: lambda model, points, metric=each: metric(model, "gradient", points)
        for each in (
            completeness, deletion, dummy, implementation_invariance, infidelity, insertion, linearity, max_sensitivity,
            sanity_check, sensitivity, sensitivity_n,
        )
    },
}  # fmt: skip


def state(network):
    modules = list(network.modules())
    return {
        "modes": [each.training for each in modules],
        "hooks": [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in modules],
        "flags": [(each.requires_grad, each.grad is None) for each in network.parameters()],
        "numbers": hash_tensors(network.state_dict()),
    }


@pytest.mark.parametrize("name", METRICS)
def test_nothing_is_left_behind(name):
    network, points = seeded(Convnet), pictures(6)
    before, kept, drawn = state(network), points.clone(), torch.random.get_rng_state()
    METRICS[name](Model(network, Preprocess(SIZE)), points)
    assert state(network) == before
    assert torch.equal(points, kept)
    assert torch.equal(torch.random.get_rng_state(), drawn)


@pytest.mark.parametrize("name", METRICS)
def test_nothing_is_left_behind_by_a_call_that_fails_in_the_middle(name, monkeypatch):
    network, points = seeded(Convnet), pictures(6)
    before, head, calls = state(network), type(network.head), iter(range(10**6))

    def failing(self, x, forward=head.forward):
        if next(calls) == 1:
            raise ArithmeticError("in the middle")
        return forward(self, x)

    monkeypatch.setattr(head, "forward", failing)
    if name in ("sanity_check", "dummy", "energy_in_mask", "pointing_game", "focus"):
        calls = iter(range(1, 10**6))  # they ask the network itself only once
    with pytest.raises(ArithmeticError, match="in the middle"):
        METRICS[name](Model(network, Preprocess(SIZE)), points)
    monkeypatch.undo()
    assert state(network) == before

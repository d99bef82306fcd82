import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from small_networks import CLASSES, Convnet, Reused, TinyViT, pictures, seeded
from torch import nn

from cutaway.attribution import deconvnet, grad_cam, gradient, guided_backprop, guided_grad_cam, pullback
from cutaway.attribution.backward_rules import RULES
from cutaway.attribution.function_calls import backward_rules
from cutaway.core.errors import ModelError

SIX, TEN = 6, 10
METHODS = {
    "guided_backprop": guided_backprop,
    "deconvnet": deconvnet,
    "pullback": partial(pullback, published=True, times_input=False),
}
RULES_OF = {"guided_backprop": "guided_backprop", "deconvnet": "deconvnet", "pullback": "pullback, as published"}


def layers():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return [nn.Linear(SIX, TEN).double(), nn.Linear(TEN, TEN).double(), nn.Linear(TEN, CLASSES).double()]


def sent_back(method, point, target):
    """The rule by hand: what reaches each unit is sent on unit by unit, from the score to the input."""
    first, second, last = layers()
    with torch.no_grad():
        before = [first(point), second(first(point).clamp(min=0))]
    signal = last.weight[target].detach()
    for linear, given in ((second, before[1]), (first, before[0])):
        passed = torch.zeros_like(signal)
        for unit in range(len(signal)):
            arrives, value = float(signal[unit]), float(given[unit])
            passed[unit] = {
                "guided_backprop": arrives if arrives > 0 and value > 0 else 0.0,
                "deconvnet": max(arrives, 0.0),
                "pullback": arrives / (1 + math.exp(-value / 0.6)),
            }[method]
        signal = passed @ linear.weight.detach()
    return signal


@pytest.mark.parametrize("method", METHODS)
def test_a_rule_does_what_it_says_unit_by_unit(method):
    first, second, last = layers()
    points = torch.randn(3, SIX, dtype=torch.float64)
    found = METHODS[method](lambda x: last(F.relu(second(F.relu(first(x))))), points, torch.tensor([0, 3, 1]))
    for point, target, values in zip(points, (0, 3, 1), found.values, strict=True):
        assert torch.allclose(values, sent_back(method, point, target))


@pytest.mark.parametrize("method", METHODS)
def test_it_does_not_matter_how_a_network_calls_its_activations(method):
    first, second, last = layers()

    def spelled(one, other):
        return lambda x: last(other(second(one(first(x)))))

    def discarding(x):
        x.relu_()
        return x

    points = torch.randn(3, SIX, dtype=torch.float64)
    expected = METHODS[method](spelled(F.relu, F.relu), points, 1).values
    for one, other in (
        (nn.ReLU(), nn.ReLU(inplace=True)),
        (torch.relu, lambda x: F.relu(x, True)),
        (lambda x: x.relu(), torch.relu_),
        (discarding, discarding),
    ):
        assert torch.equal(METHODS[method](spelled(one, other), points, 1).values, expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factory", [Convnet, Reused])
def test_scores_are_as_they_were_and_no_rule_is_left(method, factory):
    network, points = seeded(factory).eval(), pictures()
    plain = gradient(network, points, 1).values
    with torch.no_grad():
        before = network(points.clone())
        with backward_rules(RULES[RULES_OF[method]]()) as applied:
            during = network(points.clone())
    for some, other in zip(*(out if isinstance(out, tuple) else (out,) for out in (before, during)), strict=True):
        assert torch.allclose(some, other, atol=1e-6)
    assert "relu" in applied.met
    METHODS[method](network, points, 1)
    assert torch.equal(gradient(network, points, 1).values, plain)


def test_guided_grad_cam_is_the_product():
    network, points = seeded(Convnet), pictures()
    found = guided_grad_cam(network, points, 1, layer="act1")
    product = guided_backprop(network, points, 1).values * grad_cam(network, points, 1, layer="act1").values[:, None]
    assert torch.equal(found.values, product)
    assert found.layer == "act1"


def test_networks_without_what_a_rule_is_for():
    with pytest.raises(ModelError, match="guided_backprop changes how gradients pass relu, but TinyViT calls none"):
        guided_backprop(seeded(TinyViT), pictures(), 0)

import math

import pytest
import torch
import torch.nn.functional as F
from small_networks import CLASSES, Convnet, Reused, TinyViT, pictures, seeded
from torch import nn

from cutaway.attribution import deconvnet, grad_cam, gradient, guided_backprop, guided_grad_cam, pullback
from cutaway.attribution.backward_rules import backward_rules, rules_of
from cutaway.core.errors import ModelError, OptionError

SIX, TEN = 6, 10
METHODS = {"guided_backprop": guided_backprop, "deconvnet": deconvnet, "pullback": pullback}


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
        with backward_rules(rules_of(method)) as applied:
            during = network(points.clone())
    for some, other in zip(*(out if isinstance(out, tuple) else (out,) for out in (before, during)), strict=True):
        assert torch.allclose(some, other, atol=1e-6)
    assert "relu" in applied.met
    METHODS[method](network, points, 1)
    assert torch.equal(gradient(network, points, 1).values, plain)


@pytest.mark.parametrize("activation", [F.relu, F.gelu, F.silu])
def test_a_cold_pullback_of_relu_is_the_gradient_and_gates_are_those_of_the_activation(activation):
    points = torch.linspace(-3, 3, 25, dtype=torch.float64)[:, None]
    gates = pullback(activation, points, 0, temperature=1.0).values[:, 0]
    expected = {
        F.relu: torch.sigmoid(points),
        F.gelu: torch.distributions.Normal(0.0, 1.0).cdf(points),
        F.silu: torch.sigmoid(points),
    }[activation][:, 0]
    assert torch.allclose(gates, expected)
    if activation is F.relu:
        network, pixels = seeded(Reused), pictures()
        cold = pullback(network, pixels, 1, temperature=1e-7).values
        assert torch.allclose(cold, gradient(network, pixels, 1).values, atol=1e-6)


@pytest.mark.parametrize(("kernel", "stride", "padding", "ceil"), [(2, 2, 0, False), (3, 2, 1, False), (3, 2, 0, True)])
def test_a_pooling_shares_the_gradient_out_by_the_softmax_of_its_window(kernel, stride, padding, ceil):
    points = torch.randn(1, 2, 6, 6, dtype=torch.float64)
    weights = torch.randn(1, 2, 4, 4, dtype=torch.float64)

    def score(x):
        pooled = F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil)
        return (pooled * weights[:, :, : pooled.shape[2], : pooled.shape[3]]).sum(dim=(1, 2, 3))

    expected = torch.zeros_like(points)
    size = F.max_pool2d(points, kernel, stride, padding, ceil_mode=ceil).shape[-1]
    for channel in range(2):
        for row in range(size):
            for column in range(size):
                places = [
                    (y, x)
                    for y in range(row * stride - padding, row * stride - padding + kernel)
                    for x in range(column * stride - padding, column * stride - padding + kernel)
                    if 0 <= y < 6 and 0 <= x < 6
                ]
                powers = [math.exp(float(points[0, channel, y, x]) / 0.3) for y, x in places]
                for (y, x), power in zip(places, powers, strict=True):
                    expected[0, channel, y, x] += weights[0, channel, row, column] * power / sum(powers)
    assert torch.allclose(pullback(score, points).values, expected)


def test_relative_temperatures_do_not_care_for_the_scale_of_a_network():
    first, second, last = layers()

    def network(scale):
        return lambda x: last(F.relu(F.linear(F.relu(first(x) * scale), second.weight, second.bias * scale)) / scale)

    points = torch.randn(3, SIX, dtype=torch.float64)
    small, large = (pullback(network(scale), points, 1, relative=True).values for scale in (1.0, 300.0))
    assert torch.allclose(small, large)
    published = [pullback(network(scale), points, 1).values for scale in (1.0, 300.0)]
    hard = gradient(network(300.0), points, 1).values
    assert (published[1] - hard).norm() < 0.1 * hard.norm() < (published[0] - hard).norm()


def test_guided_grad_cam_is_the_product():
    network, points = seeded(Convnet), pictures()
    found = guided_grad_cam(network, points, 1, layer="act1")
    product = guided_backprop(network, points, 1).values * grad_cam(network, points, 1, layer="act1").values[:, None]
    assert torch.equal(found.values, product)
    assert found.layer == "act1"


def test_networks_and_temperatures_that_make_no_sense():
    with pytest.raises(ModelError, match="guided_backprop changes how gradients pass relu, but TinyViT calls none"):
        guided_backprop(seeded(TinyViT), pictures(), 0)
    with pytest.raises(OptionError, match=r"temperature is 0\.0; expected more than 0; try 0.6"):
        pullback(seeded(Convnet), pictures(), 0, temperature=0.0)

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import CLASSES, Convnet, TinyViT, pictures, seeded, smooth
from torch import nn

from cutaway.attribution import gradient, integrated_gradients
from cutaway.core.errors import OptionError

RULES = ["gauss-legendre", "midpoint", "trapezoid"]


@pytest.mark.parametrize("rule", RULES)
def test_values_are_the_mean_gradient_times_the_way(rule):
    network, points = seeded(Convnet).eval().double(), pictures(2).double()
    nodes, weights = {
        "gauss-legendre": [each / 2 for each in np.polynomial.legendre.leggauss(6)],
        "midpoint": (np.array([1, 3, 5, 7, 9, 11]) / 12 - 0.5, [1 / 6] * 6),
        "trapezoid": (np.array([0, 0.2, 0.4, 0.6, 0.8, 1]) - 0.5, [0.1, 0.2, 0.2, 0.2, 0.2, 0.1]),
    }[rule]
    total = torch.zeros_like(points)
    for node, weight in zip(nodes, weights, strict=True):
        leaf = (0.25 + (float(node) + 0.5) * (points - 0.25)).requires_grad_()
        network(leaf.clone())[:, 1].sum().backward()
        total += float(weight) * leaf.grad
    found = integrated_gradients(network, points, 1, baseline=0.25, steps=6, rule=rule)
    assert torch.allclose(found.values, total * (points - 0.25), atol=1e-12)
    scores = [network(each.clone())[:, 1] for each in (points, torch.full_like(points, 0.25))]
    assert torch.allclose(found.difference, scores[0] - scores[1])
    assert torch.allclose(found.completeness_gap, found.values.sum((1, 2, 3)) - found.difference)
    assert found.evaluations.tolist() == [6, 6]
    assert found.converged is None


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), target=st.integers(0, CLASSES - 1))
def test_a_linear_score_is_shared_out_exactly_whatever_the_baseline(seed, target):
    drawn = torch.Generator().manual_seed(seed)
    weight = torch.randn(CLASSES, 6, generator=drawn, dtype=torch.float64)
    points, baseline = torch.randn(2, 3, 6, generator=drawn, dtype=torch.float64)
    for options in ({"steps": 1, "rule": "midpoint"}, {"steps": 3}, {"tolerance": 1e-6}):
        found = integrated_gradients(lambda x: x @ weight.T + 3, points, target, baseline=baseline, **options)
        assert torch.allclose(found.values, weight[target] * (points - baseline))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), tolerance=st.sampled_from([1e-2, 1e-3, 1e-5]))
def test_with_a_tolerance_the_values_add_up_to_within_it(seed, tolerance):
    network = smooth().double()
    points, baseline = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = integrated_gradients(network, points, 2, baseline=baseline, tolerance=tolerance)
    total = network(points)[:, 2] - network(baseline)[:, 2]
    gap = (found.values.sum(1) - total).abs() / total.abs()
    assert torch.allclose(found.relative_gap, gap)
    assert torch.equal(found.converged, gap <= tolerance)
    assert found.converged.all()


@pytest.mark.parametrize("rule", RULES)
def test_adapted_values_are_those_of_a_very_fine_rule(rule):
    network, points = seeded(Convnet).double(), pictures().double()
    fine = integrated_gradients(network, points, 1, steps=1500, rule="midpoint").values
    found = integrated_gradients(network, points, 1, rule=rule, tolerance=1e-3)
    assert found.converged.all()
    assert ((found.values - fine).flatten(1).norm(dim=1) / fine.flatten(1).norm(dim=1)).max() < 0.01


def test_easy_paths_cost_less_than_hard_ones():
    def bent(x):  # one kink, far along the way of the second input only
        return torch.stack([x[:, 0] + 10 * torch.relu(x[:, 0] - 0.77), x[:, 0]], dim=1)

    points = torch.tensor([[0.5], [1.0]], dtype=torch.float64)
    found = integrated_gradients(bent, points, 0, tolerance=1e-4)
    assert found.converged.all()
    assert found.evaluations[0] == 9
    assert 12 < found.evaluations[1] < 60
    few = integrated_gradients(bent, points, 0, steps=int(found.evaluations[1]))
    assert few.relative_gap[1] > 10 * found.relative_gap[1]


def test_pictures_that_do_not_get_there_are_marked_and_not_rescaled():
    def jagged(x):
        return torch.stack([torch.sin(200 * x).sum(1) + x.sum(1), x.sum(1)], dim=1)

    points = torch.tensor([[0.9], [0.0]], dtype=torch.float64)
    found = integrated_gradients(jagged, points, 0, tolerance=1e-6, max_steps=20)
    assert found.converged.tolist() == [False, True]  # from the baseline to itself there is nothing to share out
    assert found.evaluations[0] == 20
    assert found.relative_gap[0] > 1e-6
    assert found.values[1].item() == 0


def test_an_input_that_plays_no_part_gets_nothing_and_one_that_does_gets_something():
    found = integrated_gradients(lambda x: torch.stack([x[:, 0] ** 2, x[:, 1]], 1), torch.rand(5, 3) + 0.1, 0)
    assert (found.values[:, 1:] == 0).all()
    assert (found.values[:, 0] > 0).all()


def test_two_networks_that_compute_the_same_get_the_same_values():
    plain, points = smooth(), torch.randn(3, 6)
    wide = nn.Sequential(plain[0], plain[1], nn.Linear(16, 16), *plain[2:])
    with torch.no_grad():
        wide[2].weight.copy_(torch.eye(16))
        wide[2].bias.zero_()
    assert torch.allclose(
        integrated_gradients(plain, points, 1).values, integrated_gradients(wide, points, 1).values, atol=1e-5
    )


def test_difference_of_scores():
    network, points = seeded(TinyViT), pictures()
    found = integrated_gradients(network, points, 1, versus=torch.tensor([0, 2, 3]), tolerance=1e-3)
    with torch.no_grad():
        logits, black = network.eval()(points), network(torch.zeros_like(points))
    margin = [float(s[1] - s[v] - b[1] + b[v]) for s, b, v in zip(logits, black, (0, 2, 3), strict=True)]
    assert found.difference.tolist() == pytest.approx(margin, abs=1e-5)
    assert found.converged.all()


def test_a_baseline_per_input_and_of_one_inputs_shape():
    network, points = seeded(Convnet), pictures()
    one = torch.rand(3, 12, 12)
    each = torch.stack([one] * 3)
    first = integrated_gradients(network, points, 0, baseline=one, steps=5)
    assert torch.equal(first.values, integrated_gradients(network, points, 0, baseline=each, steps=5).values)


def test_a_rule_of_ones_own():
    def left(steps):
        return np.arange(steps) / steps, np.full(steps, 1 / steps)

    network, points = seeded(Convnet), pictures()
    found = integrated_gradients(network, points, 0, rule=left, steps=1)
    expected = points * gradient(network, torch.zeros_like(points), 0).values
    assert torch.allclose(found.values, expected, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps is 0; expected at least 1; try 50"),
        ({"rule": "simpsons"}, 'no rule "simpsons"; expected one of gauss-legendre'),
        ({"tolerance": 0.0}, "tolerance is 0.0; expected a share above 0; try 0.001"),
        ({"tolerance": 0.1, "max_steps": 5}, "max_steps is 5; expected at least 9; try 1000"),
        ({"baseline": torch.zeros(3, 5, 5)}, r"shape \(3, 5, 5\); expected a number, one input's shape \(3, 12, 12\)"),
        ({"baseline": float("nan")}, "values that are NaN or infinite; expected finite ones; try 0.0"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(OptionError, match=message):
        integrated_gradients(seeded(Convnet), pictures(), 0, **options)

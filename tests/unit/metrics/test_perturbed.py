"""Infidelity, sensitivity-n and max-sensitivity: exact on linear functions, and against literal loops."""

import numpy as np
import pytest
import torch
from small_networks import SIZE, Convnet, pictures, seeded
from torch import nn

from cutaway.attribution import Attribution, gradient
from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.metrics import infidelity, max_sensitivity, sensitivity_n


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, 4))


def noise(forward, inputs, target=None, **options):
    drawn = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(1))
    return Attribution(drawn, torch.zeros(len(inputs), dtype=torch.long), "noise")


def from_grey(forward, inputs, target=None, **options):
    """What each place gives to a linear score, counted from mid-grey: exact for sets of places."""
    found = gradient(forward, inputs, target)
    return Attribution(found.values * (inputs - 0.5), found.target, "from grey")


def test_on_a_linear_function_the_gradient_is_exact():
    network, points = linear(), pictures(3)
    assert infidelity(network, "gradient", points, 1).value == pytest.approx(0, abs=1e-6)
    assert max_sensitivity(network, "gradient", points, 1).value == pytest.approx(0, abs=1e-6)
    assert sensitivity_n(network, from_grey, points, 1).value == pytest.approx(1, abs=1e-4)


def test_noise_predicts_nothing():
    network, points = linear(), pictures(6)
    assert 0.8 < infidelity(network, noise, points, samples=64).value <= 1
    assert abs(sensitivity_n(network, noise, points, samples=64).value) < 0.3


def test_infidelity_does_not_depend_on_the_methods_unit():
    def tenfold(forward, inputs, target=None, **options):
        found = gradient(forward, inputs, target)
        return Attribution(10 * found.values, found.target, "tenfold")

    network, points = seeded(Convnet), pictures(2)
    assert infidelity(network, tenfold, points, 1).values == pytest.approx(
        infidelity(network, "gradient", points, 1).values, rel=1e-4
    )


def test_max_sensitivity_against_a_loop():
    network, points = seeded(Convnet).eval(), pictures(2)
    found = max_sensitivity(network, "gradient", points, 3, radius=0.1, samples=3)
    expected = []
    for point in points:
        base = gradient(network, point[None], 3).values
        moves = [
            0.1 * (2 * torch.rand(point.shape, generator=generator(0, "max_sensitivity", sample)) - 1)
            for sample in range(3)
        ]
        others = [gradient(network, (point + move)[None], 3).values for move in moves]
        expected.append(max(float((other - base).norm() / base.norm()) for other in others))
    assert found.values == pytest.approx(expected, rel=1e-4)


def test_sensitivity_n_against_a_loop():
    network, points = seeded(Convnet).eval(), pictures(2)
    values = torch.randn(2, SIZE, SIZE, generator=torch.Generator().manual_seed(3))

    def given(forward, inputs, target=None, **options):
        return Attribution(values, torch.full((2,), target), "given")

    found = sensitivity_n(network, given, points, 1, share=0.25, patch=4, samples=5, baseline=0.5)
    expected = []
    for point, value in zip(points, values, strict=True):
        said, fell = [], []
        for sample in range(5):
            order = torch.randperm(9, generator=generator(0, "sensitivity_n", sample))
            covered, total = point.clone(), 0.0
            for square in range(9):
                if order[square] < 2:  # a quarter of nine squares
                    y, x = 4 * (square // 3), 4 * (square % 3)
                    covered[:, y : y + 4, x : x + 4] = 0.5
                    total += float(value[y : y + 4, x : x + 4].sum())
            with torch.no_grad():
                fell.append(float(network(point[None].clone())[0, 1] - network(covered[None].clone())[0, 1]))
            said.append(total)
        expected.append(np.corrcoef(said, fell)[0, 1])
    assert found.values == pytest.approx(expected, abs=1e-3)


def test_too_few_samples():
    with pytest.raises(OptionError, match=r"1 samples of size 0.1; expected at least 2 samples"):
        infidelity(linear(), "gradient", pictures(2), samples=1)

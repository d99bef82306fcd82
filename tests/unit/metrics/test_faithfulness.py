"""Insertion and deletion, against a loop that changes one place after the other."""

import numpy as np
import pytest
import torch
from small_networks import SIZE, Convnet, pictures, seeded

from cutaway.attribution import Attribution
from cutaway.core.errors import OptionError
from cutaway.metrics import deletion, insertion
from cutaway.metrics.faithfulness import order_of


def with_values(values):
    """A method that gives these values."""

    def method(forward, inputs, target=None, **options):
        return Attribution(values, torch.full((len(inputs),), 0 if target is None else target), "given")

    return method


def literal(network, picture, order, cover, start_covered, steps):
    """The area under the class's probability, one portion of places after the other, in plain loops."""
    place_of = [(int(p) // SIZE, int(p) % SIZE) for p in order]
    current = torch.full_like(picture, cover) if start_covered else picture.clone()
    curve, done = [], 0
    for step in range(steps + 1):
        while done < round(step * len(place_of) / steps):
            y, x = place_of[done]
            current[:, y, x] = picture[:, y, x] if start_covered else cover
            done += 1
        with torch.no_grad():
            curve.append(float(network(current[None].clone()).softmax(dim=1)[0, 2]))
    return np.trapezoid(curve) / steps if hasattr(np, "trapezoid") else np.trapz(curve) / steps


@pytest.mark.parametrize("metric", [insertion, deletion])
def test_against_a_loop(metric):
    network, points = seeded(Convnet).eval(), pictures(2)
    values = torch.randn(2, SIZE, SIZE, generator=torch.Generator().manual_seed(3))
    found = metric(network, with_values(values), points, 2, steps=7, baseline=0.25)
    expected = [
        literal(network, point, value.flatten().argsort(descending=True), 0.25, metric is insertion, 7)
        for point, value in zip(points, values, strict=True)
    ]
    assert found.values == pytest.approx(expected, abs=1e-6)
    assert found.n == 2


def test_the_right_map_beats_the_wrong_one():
    def network(x):  # class 0 is how bright the upper half is
        score = 20 * x[:, :, : SIZE // 2].mean(dim=(1, 2, 3))
        return torch.stack([score, torch.full_like(score, 5.0)], dim=1)

    bright = torch.full((2, 3, SIZE, SIZE), 0.9)
    right = torch.zeros(2, SIZE, SIZE)
    right[:, : SIZE // 2] = 1
    good, bad = [
        {metric: metric(network, with_values(map), bright, 0, baseline=0.0).value for metric in (insertion, deletion)}
        for map in (right, 1 - right)
    ]
    assert good[deletion] < bad[deletion]
    assert good[insertion] > bad[insertion]


def test_equal_values_go_in_an_order_of_the_seed():
    field = torch.zeros(1, 4, 5)
    field[0, 2, 2] = 1
    rank = order_of(field, 1)
    assert sorted(rank[0].tolist()) == list(range(20))
    assert int(rank[0, 12]) == 0
    assert torch.equal(rank, order_of(field, 1))
    assert not torch.equal(rank, order_of(field, 2))


def test_steps_below_one():
    with pytest.raises(OptionError, match="steps is 0; expected at least 1"):
        deletion(seeded(Convnet), "gradient", pictures(2), steps=0)

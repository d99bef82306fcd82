"""Layers as arrays: channel means, their labels, and the same network before any training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cutaway import Model, Preprocess
from cutaway.core.errors import LayerError
from cutaway.naming.layers import (
    along,
    heads,
    layer_activations,
    unit_labels,
    untrained,
    untrained_activations,
)


def small() -> Model:
    torch.manual_seed(0)
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
    return Model(nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), *head), Preprocess(8))


def test_a_channel_is_its_mean_over_places() -> None:
    model, pictures = small(), torch.rand(5, 3, 8, 8)
    found = layer_activations(model, [pictures[:2], pictures[2:]], ["0"])
    torch.testing.assert_close(torch.from_numpy(found), model.module[0](pictures).mean((2, 3)).detach())
    assert unit_labels(model, ["0"]) == tuple(f"0:{k}" for k in range(6))


def test_directions_and_heads_are_read_off_the_same_grid() -> None:
    model, pictures = small(), torch.rand(5, 3, 8, 8)
    grid = model.module[0](pictures).detach()
    rows = np.array([[3.0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0]])
    expected = torch.stack([grid[:, 0].mean((1, 2)), (grid[:, 1] + grid[:, 2]).mean((1, 2)) / 2**0.5], dim=1)
    torch.testing.assert_close(torch.from_numpy(layer_activations(model, [pictures], ["0"], along(rows))), expected)
    lengths = [(grid[:, 3 * k : 3 * k + 3] ** 2).sum(1).sqrt().mean((1, 2)) for k in range(2)]
    found = layer_activations(model, [pictures], ["0"], heads(2))
    torch.testing.assert_close(torch.from_numpy(found), torch.stack(lengths, dim=1))


def test_readings_that_do_not_fit_the_layer_say_so() -> None:
    model, pictures = small(), torch.rand(2, 3, 8, 8)
    with pytest.raises(LayerError, match="4 heads in 6 channels; expected heads of one size"):
        layer_activations(model, [pictures], ["0"], heads(4))
    with pytest.raises(LayerError, match="directions of 5 numbers along 6 channels"):
        layer_activations(model, [pictures], ["0"], along(np.ones((2, 5))))


def test_several_untrained_networks_stand_side_by_side() -> None:
    model, pictures = small(), torch.rand(4, 3, 8, 8)
    found = untrained_activations(model, [pictures[:3], pictures[3:]], ["0"], 2, seed=3)
    assert found.shape == (4, 12)
    for number in range(2):
        alone = layer_activations(untrained(model, 3 + number), [pictures], ["0"])
        np.testing.assert_allclose(found[:, 6 * number : 6 * number + 6], alone, rtol=1e-5)


def test_an_untrained_network_is_drawn_anew_and_the_trained_one_stays() -> None:
    model = small()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    one, same, other = (untrained(model, seed) for seed in (0, 0, 1))
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, before[name])
        assert torch.equal(one.module.state_dict()[name], same.module.state_dict()[name])
    assert not torch.equal(one.module[0].weight, model.module[0].weight)
    assert not torch.equal(one.module[0].weight, other.module[0].weight)

"""Layers as arrays: channel means, their labels, and the same network before any training."""

from __future__ import annotations

import torch
from torch import nn

from cutaway import Model, Preprocess
from cutaway.naming.layers import layer_activations, unit_labels, untrained


def small() -> Model:
    torch.manual_seed(0)
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
    return Model(nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), *head), Preprocess(8))


def test_a_channel_is_its_mean_over_places() -> None:
    model, pictures = small(), torch.rand(5, 3, 8, 8)
    found = layer_activations(model, [pictures[:2], pictures[2:]], ["0"])
    torch.testing.assert_close(torch.from_numpy(found), model.module[0](pictures).mean((2, 3)).detach())
    assert unit_labels(model, ["0"]) == tuple(f"0:{k}" for k in range(6))


def test_an_untrained_network_is_drawn_anew_and_the_trained_one_stays() -> None:
    model = small()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    one, same, other = (untrained(model, seed) for seed in (0, 0, 1))
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, before[name])
        assert torch.equal(one.module.state_dict()[name], same.module.state_dict()[name])
    assert not torch.equal(one.module[0].weight, model.module[0].weight)
    assert not torch.equal(one.module[0].weight, other.module[0].weight)

"""The layer that an explanation looks into by itself."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cutaway.blocks.default_layer import default_layer
from cutaway.nets import Model, Preprocess


def seen(module: nn.Module, channels: int = 3, size: int = 32) -> str | None:
    torch.manual_seed(0)
    mean = (0.5,) * channels
    return default_layer(Model(module.eval(), Preprocess(size, mean, mean)), torch.rand(channels, size, size))


def test_it_is_the_last_grid_before_the_pooling(model, picture):
    assert default_layer(model, picture) == "0.3"


def test_maps_of_the_classes_themselves_come_last():
    """As in SqueezeNet, whose last convolution has one channel per class."""
    from cutaway.nets.zoo.squeezenet import squeezenet1_1

    torch.manual_seed(0)
    assert seen(squeezenet1_1(), size=64) == "features.12"
    only = nn.Sequential(nn.Conv2d(3, 7, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert seen(only) == "1"


def test_of_a_network_that_adds_up_it_is_what_is_added_up_and_neither_gates_nor_advisers():
    from cutaway.nets.zoo.clear_net import clear_net
    from cutaway.nets.zoo.smooth_convnet import smooth_convnet

    assert seen(clear_net(4, (6, 8), 3)) == "values.layer4"
    torch.manual_seed(0)
    assert seen(clear_net(4, (6, 8), 3, strength=1.0, advisers=[smooth_convnet])) == "values.layer4"


def test_a_block_is_named_rather_than_its_last_activation():
    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv, self.relu = nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.relu(x + self.conv(self.relu(x.clone())))

    blocks = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), Block(8), Block(8))
    net = nn.Sequential(blocks, nn.Dropout(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    assert seen(net) == "0.2"


def test_tokens_that_no_longer_matter_are_passed_over():
    """Behind the last attention only the class token is read: its block is no place to look for evidence."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.attend(x, x, x, need_weights=False)[0]

    class Transformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Conv2d(3, 8, 8, stride=8), nn.Linear(8, 4)
            self.blocks = nn.ModuleList([Block(), Block(), Block()])
            self.class_token = nn.Parameter(torch.randn(1, 1, 8))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            places = self.embed(pictures).flatten(2).transpose(1, 2)
            tokens = torch.cat([self.class_token.expand(len(places), -1, -1), places], dim=1)
            for block in self.blocks:
                tokens = block(tokens)
            return self.head(tokens[:, 0])

    assert seen(Transformer()) == "blocks.1"


def test_a_head_of_zeros_still_has_a_deepest_layer():
    """As in a vision transformer that nobody has trained yet."""
    head = nn.Linear(6, 4)
    nn.init.zeros_(head.weight)
    layers = nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    assert seen(nn.Sequential(*layers, head)) == "2"


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_without_any_grid_has_none(channels):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(channels * 64, 6), nn.ReLU(), nn.Linear(6, 3))
    assert seen(flat, channels, size=8) is None

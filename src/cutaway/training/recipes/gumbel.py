"""Kernels that look at one or two channels per place, chosen by a Gumbel softmax that cools while the network trains.

cutaway train gumbel
cutaway train gumbel --set 'top_k=[0, 0]'        the same network with plain convolutions
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import PositiveFloat
from torch import nn

from cutaway.nets.zoo.gumbel_net import gumbel_net
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.whitebox import GumbelConv2d

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    widths: tuple[int, ...] = (96, 128)  # two layers over the whitened stem
    top_k: tuple[int, ...] = (1, 2)  # channels that a place of a kernel reads, layer by layer; 0 = all, plainly
    mixing: bool = False  # a 1 x 1 convolution behind each, which gives back what the choice takes
    hot: PositiveFloat = 2.0  # tau as training begins: choices are soft
    cold: PositiveFloat = 0.2  # tau in the last epoch: choices are nearly made


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions; tau falls evenly on a logarithmic scale, epoch by epoch."""

    def network(classes: int) -> nn.Module:
        return gumbel_net(classes, config.widths, config.top_k, config.mixing, seed=seed)

    def cooled(module: nn.Module, epoch: int) -> None:
        progress = epoch / max(1, config.epochs - 1)
        for layer in module.modules():
            if isinstance(layer, GumbelConv2d):
                layer.tau = config.hot * (config.cold / config.hot) ** progress

    return cifar_task(config, data, seed, device, network, before=cooled, plain=choosing)


def choosing(module: nn.Module) -> list[nn.Parameter]:
    """Weights and choices of Gumbel convolutions: sparse, so no step of theirs should be made orthogonal."""
    layers = [layer for layer in module.modules() if isinstance(layer, GumbelConv2d)]
    return [parameter for layer in layers for parameter in layer.parameters()]


RECIPE = cifar_recipe("gumbel", CLAIM, Config, task)

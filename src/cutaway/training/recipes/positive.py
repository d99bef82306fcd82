"""Three layers, no negative weight above the first: all that a unit says is evidence for.

cutaway train positive
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import nn

from cutaway.nets.zoo.positive_net import positive_net
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.whitebox import PositiveConv2d

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    plain_rate: PositiveFloat = 0.1  # of Adam: 40,000 pictures shown give 44.5 %, with 0.03 33 % (held-out pictures)
    filters: PositiveInt = 192  # of the first layer, 5 x 5 over a stride of two: large ones at full size cost minutes
    units: PositiveInt = 256  # of the second layer
    views: PositiveInt = 8  # cases of a class in the third layer
    positivity: Literal["softplus", "clamp", "square"] = "softplus"  # how a free number becomes a weight >= 0
    temperature: PositiveFloat = 0.5  # of the disjunctions


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return positive_net(
            classes,
            config.filters,
            config.units,
            views=config.views,
            temperature=config.temperature,
            positivity=config.positivity,
        )

    return cifar_task(config, data, seed, device, network, plain=positive_weights)


def positive_weights(module: nn.Module) -> list[nn.Parameter]:
    """The free numbers behind positive weights: Muon would hold their norm, which here is the weights' own size."""
    layers = [layer for layer in module.modules() if isinstance(layer, PositiveConv2d)]
    return [parameter for layer in layers for parameter in layer.parameters()]


RECIPE = cifar_recipe("positive", CLAIM, Config, task)

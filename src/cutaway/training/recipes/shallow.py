"""Two layers whose kernels, norms, head and augmentation can be exchanged: to ask one question at a time.

cutaway train shallow --set 'classes=["airplane", "automobile"]' --set epochs=2
cutaway train shallow --set norm=batch --set augment=jiggle
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import NonNegativeInt, PositiveFloat
from torch import nn

from cutaway.nets.zoo.shallow_net import shallow_net
from cutaway.training.augmentations import views_of
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.training.recipes.positive import positive_weights
from cutaway.whitebox import PerspectiveConv2d

CLAIM = __doc__.splitlines()[0]
Kernel = Literal["plain", "offset", "perspective", "scale", "positive", "least"]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    shift: NonNegativeInt = 2  # of the crops; 0 = flips alone
    plain_rate: PositiveFloat = 0.1  # of Adam (`unlike_filters`): positive weights learn slowly
    widths: Widths = (48, 64)  # of the layers
    kernels: tuple[Kernel, ...] = ("plain", "plain")  # layer by layer
    norm: Literal["divisive", "batch", "batch, no scale", "none"] = "divisive"  # behind every layer
    head: Literal["mean", "whole", "window"] = "mean"  # what the last layer reads: places, all of them, a window
    pools: NonNegativeInt = 2  # how many layers halve the grid
    whitening: NonNegativeInt = 16  # principal directions in the stem; 0 = the first layer reads pixels, and learns
    augment: Literal["none", "jiggle", "shuffle", "noise", "fixed"] = "none"  # beyond crops and flips


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return shallow_net(
            classes, config.widths, config.kernels, config.norm, config.head, config.pools, config.whitening
        )

    return cifar_task(config, data, seed, device, network, views_of(config.augment), plain=unlike_filters)


def unlike_filters(module: nn.Module) -> list[nn.Parameter]:
    """What Adam trains: all of convolutions with an offset, positive weights, the tilts of views.

    Muon would hold the filters beside an offset at their length, and make steps of weights orthogonal that are none.
    """
    layers = list(module.modules())
    whole = [each for each in layers if isinstance(each, nn.Conv2d) and each.bias is not None]
    tilts = [each.tilts for each in layers if isinstance(each, PerspectiveConv2d)]
    return [parameter for layer in whole for parameter in layer.parameters()] + tilts + positive_weights(module)


RECIPE = cifar_recipe("shallow", CLAIM, Config, task)

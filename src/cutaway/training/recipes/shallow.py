"""Two layers whose kernels, norms, head and augmentation can be exchanged: to ask one question at a time.

cutaway train shallow --set 'classes=["airplane", "automobile"]' --set epochs=2
cutaway train shallow --set norm=batch --set augment=jiggle
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import NonNegativeInt
from torch import nn

from cutaway.nets.zoo.shallow_net import shallow_net
from cutaway.training.augmentations import views_of
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.whitebox import PerspectiveConv2d, PositiveConv2d

CLAIM = __doc__.splitlines()[0]
Kernel = Literal["plain", "offset", "perspective", "scale", "positive"]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    shift: NonNegativeInt = 2  # of the crops; 0 = flips alone
    plain_rate: float = 0.1  # of Adam, for positive weights and tilts: as in the recipe `positive`
    widths: tuple[int, ...] = (48, 64)  # of the layers
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
    """The free numbers behind positive weights, and the tilts of views: no step of theirs should be made orthogonal."""
    positive = [each for layer in module.modules() if isinstance(layer, PositiveConv2d) for each in layer.parameters()]
    return positive + [layer.tilts for layer in module.modules() if isinstance(layer, PerspectiveConv2d)]


RECIPE = cifar_recipe("shallow", CLAIM, Config, task)

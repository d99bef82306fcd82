"""A bag of local features: a score is the mean of what patches of 10 pixels say, each by itself.

cutaway train bagnet
cutaway train bagnet --set deep=3                patches of 14 pixels
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import PositiveInt
from torch import nn

from cutaway.nets.zoo.bagnet import bagnet
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task
from cutaway.training.loop import Task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    widths: Widths = (64, 128, 256)  # of the layers
    deep: PositiveInt = 2  # layers with 3 x 3 kernels; the others see single places


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return bagnet(classes, config.widths, config.deep)

    return cifar_task(config, data, seed, device, network)


RECIPE = cifar_recipe("bagnet", CLAIM, Config, task)

"""The perceptual reference: the shipped architecture trained against small moves (L2 0.5) of its pictures.

    cutaway train adversarial

Every batch is shown twice: as it is, and moved by `length` up the gradient that the first showing gave for free.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import nn

from cutaway.nets.zoo.smooth_convnet import smooth_convnet
from cutaway.training.adversaries import shown
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task
from cutaway.training.loop import Task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: PositiveInt = 8  # each shows every picture twice
    widths: Widths = (64, 144, 176)  # of the stages, as in the shipped network
    length: PositiveFloat = 0.5  # of a move, L2, pixels in [0, 1]: the length that robustness is usually quoted for


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return smooth_convnet(classes, config.widths)

    return cifar_task(config, data, seed, device, network, *shown(config.length))


RECIPE = cifar_recipe("adversarial", CLAIM, Config, task)

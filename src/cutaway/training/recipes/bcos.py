"""B-cos throughout: weights align with what they detect, and the whole network is one dynamic linear map.

cutaway train bcos
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from cutaway.nets.zoo.bcos_net import bcos_net
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    widths: tuple[int, ...] = (48, 96, 160)  # of the stages
    b: Annotated[float, Field(ge=1)] = 2.0  # how strongly weights are pressed to align; 1 is a linear network


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return bcos_net(classes, config.widths, config.b)

    return cifar_task(config, data, seed, device, network)


RECIPE = cifar_recipe("bcos", CLAIM, Config, task)

"""ProtoPNet: a score is a weighted sum of likenesses to patches of training pictures (Chen et al. 2019).

    cutaway train protopnet

After the placing every prototype is a patch of a training picture, and the head alone learns. For birds, on a frozen
encoder, see docs/whitebox.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from cutaway.nets.zoo.prototype_net import PrototypeNet, protopnet
from cutaway.training.cifar import Batch, cifar_recipe
from cutaway.training.loop import Task
from cutaway.training.prototypes import PrototypeSettings, prototype_task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(PrototypeSettings):
    """Every setting with its reason: those of all networks with prototypes."""


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int, per_class: int, drawn: int) -> PrototypeNet:
        return protopnet(classes, per_class, seed=drawn)

    return prototype_task(config, data, seed, device, network)


RECIPE = cifar_recipe("protopnet", CLAIM, Config, task)

"""An ensemble of shallow backbones: one for each bucket, that is for each of the cases of which a class is one.

cutaway train buckets
cutaway train buckets --set backbones=1 --set 'widths=[64, 96]'        all buckets read by one backbone
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import PositiveInt
from torch import nn

from cutaway.nets.zoo.bucket_net import bucket_net
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task
from cutaway.training.loop import Task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    widths: Widths = (16, 24)  # of one backbone
    backbones: PositiveInt = 4  # side by side; they share the whitened stem alone
    buckets: PositiveInt = 4  # of a class, shared out among the backbones
    whitening: PositiveInt = 16  # principal directions in the stem, each with both signs
    best: bool = True  # a class is its best bucket, a disjunction; else the mean of all, a plain ensemble


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return bucket_net(classes, config.widths, config.backbones, config.buckets, config.best, config.whitening)

    return cifar_task(config, data, seed, device, network)


RECIPE = cifar_recipe("buckets", CLAIM, Config, task)

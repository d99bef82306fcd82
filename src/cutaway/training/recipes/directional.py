"""A case is four parts around one place, each free to move within its own corner; a class is one of several cases.

    cutaway train directional --seeds 5 --set 'classes=["airplane", "automobile"]' --set epochs=8

Two, three or ten classes; what it reached is in docs/whitebox.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import nn

from cutaway.nets.zoo.conjunctions import directional
from cutaway.training.adversaries import shown
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    cases: PositiveInt = 4  # of a class; each is four parts
    reach: PositiveInt = 3  # places (of four pixels) that a part may lie away: a case then spans most of the picture
    temperature: PositiveFloat = 0.3  # of both disjunctions: low enough to choose, high enough to teach the others
    length: NonNegativeFloat = 0.0  # of a move up the loss, L2, pixels in [0, 1], for a second view; 0 = shown once


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return directional(classes, config.cases, config.reach, temperature=config.temperature)

    return cifar_task(config, data, seed, device, network, *shown(config.length))


RECIPE = cifar_recipe("directional", CLAIM, Config, task)

"""Our own best network: scores that add up from pixels, and gradients that show what the network sees.

    cutaway train clear

Every batch is shown twice: as it is, and moved by `length` up the gradient that the first showing gave for free. Which
levers did what is in docs/whitebox.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import NonNegativeFloat
from torch import nn

from cutaway.nets.zoo.clear_net import clear_net
from cutaway.training.adversaries import shown
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.whitebox import SoftGate

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: int = 8  # each shows every picture twice
    widths: tuple[int, ...] = (64, 144, 176)  # of the stages, as in the shipped network
    length: NonNegativeFloat = 0.2  # of a move, L2, pixels in [0, 1]; 0 = every batch is shown once
    gate: Literal["soft", "relu"] = "soft"  # exact where it is held, or exact as it is


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return clear_net(classes, config.widths, gate=SoftGate if config.gate == "soft" else nn.ReLU)

    return cifar_task(config, data, seed, device, network, *shown(config.length))


RECIPE = cifar_recipe("clear", CLAIM, Config, task)

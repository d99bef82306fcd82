"""A common network without offsets: scores add up from pixels, and gradients show little.

    cutaway train bias-free

What other levers are worth on it is in docs/whitebox.md: asking where the evidence for a class lies
(`training/evidence.py`), small moves of the pictures, kinds of gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import NonNegativeFloat, PositiveInt
from torch import nn

from cutaway.nets.zoo.bias_free_net import bias_free_net
from cutaway.training.adversaries import shown
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task, entropy
from cutaway.training.evidence import asking
from cutaway.training.loop import Task
from cutaway.whitebox import SoftGate

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: PositiveInt = 6  # what fits into a quarter of an hour on one core
    widths: Widths = (64, 144, 176)  # of the stages, as in the shipped network
    evidence: NonNegativeFloat = 0.3  # how strongly evidence for a class is pressed to lie on pictures of it
    asked: PositiveInt = 48  # pictures of each batch that are asked; each costs as much as three that are not
    length: NonNegativeFloat = 0.0  # of a move up the loss, L2, pixels in [0, 1], for a second view; 0 = shown once
    gate: Literal["soft", "relu"] = "soft"  # exact where it is held, or exact as it is


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return bias_free_net(classes, config.widths, gate=SoftGate if config.gate == "soft" else nn.ReLU)

    loss = asking(entropy(config), config.evidence, config.asked, len(config.classes))
    return cifar_task(config, data, seed, device, network, *shown(config.length), loss=loss)


RECIPE = cifar_recipe("bias-free", CLAIM, Config, task)

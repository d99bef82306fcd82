"""The black-box baseline: maxima, batch normalisation and offsets, as quick to train as we know how.

    cutaway train airbench --seeds 5

The network and the ideas are those of Jordan's airbench (2024): whitened stem, filters that start as the identity,
alternating flips, Muon. No test-time augmentation. What it reached is in docs/whitebox.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import PositiveInt

from cutaway.nets.zoo.airbench_net import airbench_net
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task
from cutaway.training.loop import Task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: PositiveInt = 10  # the promise: no more than ten
    smoothing: float = 0.2  # as in airbench
    widths: Widths = (128, 384, 384)  # airbench95's; airbench94's (64, 256, 256) reach 94 % with test-time augmentation


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""
    return cifar_task(config, data, seed, device, lambda classes: airbench_net(classes, config.widths))


RECIPE = cifar_recipe("airbench", CLAIM, Config, task)

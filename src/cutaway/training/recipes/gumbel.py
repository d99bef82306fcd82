"""Kernels that look at one or two channels per place, chosen by a Gumbel softmax that cools while the network trains.

cutaway train gumbel
cutaway train gumbel --set 'top_k=[0, 0]'        the same network with plain convolutions
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import nn

from cutaway.nets.zoo.gumbel_net import gumbel_net
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.whitebox import GumbelConv2d

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Cooling:
    """How choices are made while a network trains."""

    hot: PositiveFloat = 1.0  # tau as training begins: choices are soft
    cold: PositiveFloat = 0.1  # tau as choices settle: they are nearly made
    noise: NonNegativeFloat = 0.0  # share of the Gumbel noise at first; it fades. In short trainings it only delays
    settled: Annotated[float, Field(ge=0, le=1)] = 0.5  # of the training: from here on kernels are those of eval


@dataclass(frozen=True)
class Config(Settings, Cooling):
    """Every setting with its reason."""

    widths: Widths = (96, 128)  # two layers over the whitened stem
    top_k: tuple[int, ...] = (1, 2)  # channels that a place of a kernel reads, layer by layer; 0 = all, plainly
    mixing: bool = False  # a 1 x 1 convolution behind each, which gives back what the choice takes
    scale: PositiveFloat | None = None  # of the scores, fixed; None = learned
    whitening: PositiveInt = 16  # principal directions in the stem, each with both signs
    plain_rate: PositiveFloat = 0.1  # of Adam, for weights and choices: these have to be made in a few hundred steps


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return gumbel_net(classes, config.widths, config.top_k, config.mixing, config.scale, config.whitening, seed)

    return cooled(config, cifar_task(config, data, seed, device, network, plain=choosing))


def cooled(config: Cooling, training: Task[Batch]) -> Task[Batch]:
    """The training, before whose every step choices are a little colder."""

    def batches(epoch: int) -> Iterator[Batch]:
        for step, batch in enumerate(training.batches(epoch)):
            cool(config, training.module, (epoch + step / training.steps) / training.epochs)
            yield batch

    return replace(training, batches=batches)


def cool(config: Cooling, module: nn.Module, progress: float) -> None:
    """tau falls evenly on a logarithmic scale and the noise in a line, until choices are settled."""
    share = min(1.0, progress / config.settled) if config.settled else 1.0
    for layer in module.modules():
        if isinstance(layer, GumbelConv2d):
            layer.tau = config.hot * (config.cold / config.hot) ** share
            layer.noise = config.noise * (1 - share)
            layer.settled = share >= 1


def choosing(module: nn.Module) -> list[nn.Parameter]:
    """Weights and choices of Gumbel convolutions: sparse, so no step of theirs should be made orthogonal."""
    layers = [layer for layer in module.modules() if isinstance(layer, GumbelConv2d)]
    return [parameter for layer in layers for parameter in layer.parameters()]


RECIPE = cifar_recipe("gumbel", CLAIM, Config, task)

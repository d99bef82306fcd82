"""Three layers, no negative weight above the first: all that a unit says is evidence for.

cutaway train positive
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import nn

from cutaway.nets.zoo.positive_net import positive_net
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.whitebox import PositiveConv2d

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: PositiveInt = 9  # 450,000 pictures shown: twenty minutes of one core that nobody else uses
    batch: PositiveInt = 125  # twice the steps of 250 at a tenth more time
    filter_rate: PositiveFloat = 0.07  # of Muon: lower than where the rate falls from the start, since it is held
    rising: PositiveFloat = 0.2  # epochs in which rates rise; `warmup` is not asked
    falling: PositiveFloat = 4.0  # last epochs, in which rates fall to zero; of a short training, four fifths
    plain_rate: PositiveFloat = 0.1  # of Adam, for all positivity but "least", which Muon trains as it does filters
    filters: PositiveInt = 96  # of the first layer, 6 x 6 over a stride of two: large ones at full size cost minutes
    units: PositiveInt = 192  # of the second layer
    cases: PositiveInt = 2  # of a class, of which one suffices
    positivity: Literal["least", "softplus", "clamp", "square"] = "least"  # how a free number becomes a weight >= 0
    temperature: PositiveFloat = 1.0  # of the disjunction
    match: bool = True  # whether first filters are divided by the size of the patch before them


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return positive_net(
            classes,
            config.filters,
            config.units,
            config.cases,
            config.temperature,
            config.positivity,
            match=config.match,
        )

    whole = cifar_task(config, data, seed, device, network, plain=positive_weights)
    return replace(whole, schedule=lambda progress: share(config, progress * config.epochs))


def share(config: Config, epochs: float) -> float:
    """Which share of its rate an optimizer has after so many epochs: it rises, stays, and falls to zero at the end.

    Until it falls it doesn't depend on how long the training is, so a kept state can be taken further.
    """
    return min(epochs / config.rising, 1.0, (config.epochs - epochs) / min(config.falling, 0.8 * config.epochs))


def positive_weights(module: nn.Module) -> list[nn.Parameter]:
    """The free numbers behind weights that are positive one by one: Muon would hold their norm, which is their size.

    Those of "least" count but against one another, as any filter's do, and are left to Muon.
    """
    layers = [each for each in module.modules() if isinstance(each, PositiveConv2d) and each.positivity != "least"]
    return [parameter for layer in layers for parameter in layer.parameters()]


RECIPE = cifar_recipe("positive", CLAIM, Config, task)

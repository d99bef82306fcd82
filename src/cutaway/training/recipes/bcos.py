"""B-cos throughout: weights align with what they detect, and the whole network is one dynamic linear map.

    cutaway train bcos

It begins with the filters of the shipped black box (Arya et al. 2024, "B-cosification"): from nothing, B-cos learns
several times as slowly. What it reached is in docs/whitebox.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from cutaway.nets.zoo.bcos_net import bcos_net
from cutaway.nets.zoo.smooth_convnet import whiten
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task, unlike, weights_of
from cutaway.training.loop import Task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: PositiveInt = 4  # filters have learned already; what is new to them is that they must align
    batch: PositiveInt = 125  # twice the steps of 250 at a tenth more time
    start: str = "cifar10"  # whose filters it begins with; "" = drawn anew
    filter_rate: float = 0.05  # of Muon: filters have learned already
    widths: Widths = (64, 144, 176)  # of the stages, as in the shipped network
    b: Annotated[float, Field(ge=1)] = 2.0  # how strongly weights are pressed to align; 1 is a linear map and its gates


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return bcos_net(classes, config.widths, config.b)

    def begun(module: nn.Module, pictures: Tensor) -> None:
        if config.start:
            filters_of(module, weights_of(config.start), config.start)
        else:
            whiten(module, pictures)

    return cifar_task(config, data, seed, device, network, begun=begun)


@torch.no_grad()
def filters_of(module: nn.Module, given: Mapping[str, Tensor], name: str) -> None:
    """Gives a network the filters of another one, a linear head as filters of 1 x 1; norms stay as they are.

    Raises WeightsError where filters have other names or sizes.
    """
    for key, own in module.state_dict().items():
        if own.ndim != 4:
            continue
        if key not in given or given[key].numel() != own.numel():
            raise unlike(name, key, own)
        own.copy_(given[key].view_as(own))


RECIPE = cifar_recipe("bcos", CLAIM, Config, task)

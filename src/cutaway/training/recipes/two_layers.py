"""Two layers of large filters, as the research log has them, to ask its questions of its own networks.

cutaway train two-layers --set 'classes=["airplane", "automobile"]'
cutaway train two-layers --set kind=positive --set scaled=true
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import nn

from cutaway.nets.zoo.two_layer_net import Kind, two_layer_net
from cutaway.training.augmentations import views_of
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.training.recipes.gumbel import Cooling, choosing, cooled
from cutaway.training.recipes.positive import positive_weights

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings, Cooling):
    """Every setting with its reason."""

    kind: Kind = "gumbel"  # what the second layer is, as in `two_layer_net`
    filters: PositiveInt = 120  # of 10 x 10 pixels
    units: PositiveInt = 60  # above them, as many for each class; "directions" has as many as filters
    top_k: PositiveInt = 1  # filters that a Gumbel unit reads in each neighbourhood
    scaled: bool = False  # whether the normalisation behind positive units learns a scale and an offset
    plain_rate: PositiveFloat = 0.03  # of Adam, for Gumbel and positive weights
    muon: bool = True  # False: Adam trains the filters, too
    augment: Literal["none", "noise"] = "none"  # beyond crops and flips


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions; choices cool, where there are any."""

    def network(classes: int) -> nn.Module:
        return two_layer_net(classes, config.kind, config.filters, config.units, config.top_k, config.scaled, seed)

    def plain(module: nn.Module) -> list[nn.Parameter]:
        if not config.muon:
            return [parameter for parameter in module.parameters() if parameter.ndim == 4]
        return choosing(module) + positive_weights(module)

    return cooled(config, cifar_task(config, data, seed, device, network, views_of(config.augment), plain=plain))


RECIPE = cifar_recipe("two-layers", CLAIM, Config, task)

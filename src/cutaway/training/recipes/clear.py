"""Scores that add up from pixels: 91.2 % of the 10,000 test pictures, without test-time augmentation (n = 1 run).

Gates decide, values add up (`nets/zoo/clear_net.py`). Seed 0, three epochs: an hour of one core without tiles for
bfloat16. The test pictures were looked at once, after the last epoch; the settings were chosen on narrow networks.

    cutaway train clear

Both streams begin as the shipped `cifar10` and learn together. For some pictures of every batch the network is asked
where the evidence for a class lies: on pictures of it, or on others (`training/evidence.py`). What each of these is
worth is in docs/whitebox.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from cutaway.nets.zoo.clear_net import SHARED, ClearNet, clear_net
from cutaway.nets.zoo.smooth_convnet import whiten
from cutaway.training.cifar import Batch, Settings, Widths, cifar_recipe, cifar_task, entropy, took_over, weights_of
from cutaway.training.evidence import asking
from cutaway.training.loop import Task

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: PositiveInt = 3  # both streams have learned already; accuracy was still rising as the third ended
    batch: PositiveInt = 125  # twice the steps of 250 at a tenth more time
    start: str = "cifar10"  # whose filters both streams begin with; "" = drawn anew
    widths: Widths = (64, 144, 176)  # of the stages, as in the shipped network
    shared: PositiveInt = SHARED  # places a side that share their gates: what makes gradients legible
    evidence: NonNegativeFloat = 0.3  # how strongly evidence for a class is pressed to lie on pictures of it
    asked: PositiveInt = 24  # pictures of each batch that are asked; each costs as much as three that are not
    filter_rate: float = 0.05  # of Muon, for the gates: they have learned already
    plain_rate: float = 0.001  # of Adam, for the values: nothing normalises them, so a step must be small


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return clear_net(classes, config.widths, shared=config.shared)

    def begun(module: nn.Module, pictures: Tensor) -> None:
        assert isinstance(module, ClearNet)
        if config.start:
            given = weights_of(config.start)
            took_over(module.gates, given, config.start)
            took_over(module.head, given, config.start, above="head.")
        else:
            whiten(module.gates, pictures)
        module.values_like_gates()

    loss = asking(entropy(config), config.evidence, config.asked, len(config.classes))
    return cifar_task(config, data, seed, device, network, begun=begun, loss=loss, plain=value_filters)


def value_filters(module: nn.Module) -> list[nn.Parameter]:
    """The value stream's: Muon would hold their norms, which here are the size of the scores."""
    assert isinstance(module, ClearNet)
    return list(module.values.parameters())


RECIPE = cifar_recipe("clear", CLAIM, Config, task)

r"""Scores that add up from pixels: 94.3 % of the 10,000 test pictures, without test-time augmentation (n = 1 run).

Gates decide, values add up, answers open the last gates (`nets/zoo/clear_net.py`). Under the shipped `cifar10`:

    cutaway train clear

That is a narrower network than the shipped one (on 5,000 held-out pictures, its gates trained on the other 45,000, it
tells 89.6 %), whose gates are wider and saw pictures at contrast one in the end, which has an adviser, and whose head
counts places:

    cutaway train cifar10 --set 'widths=[64, 192, 256]' --set epochs=20 --set shift=4
    cutaway train cifar10 --set 'widths=[64, 192, 256]' --set epochs=18 --set shift=4 --set cutout=12 \
        --set filter_rate=0.06 --set rest_rate=0.03 --set start=FIRST
    cutaway train cifar10 --set 'widths=[64, 192, 256]' --set epochs=3 --set even=true \
        --set filter_rate=0.03 --set rest_rate=0.015 --set start=SECOND
    cutaway train airbench
    cutaway train airbench --set epochs=3 --set even=true --set filter_rate=0.03 --set rest_rate=0.015 \
        --set start=FOURTH
    cutaway train clear --set 'widths=[64, 192, 256]' --set start=THIRD --set 'advisers=["FIFTH"]'
    cutaway train adversarial --set start=cifar10 --set epochs=1 --set batch=125 --set filter_rate=0.05 --set length=0.7
    cutaway train clear-noise --set start=SIXTH --set 'judges=["cifar10", "THIRD", "SEVENTH", "FOURTH"]'

The second gave nothing, and is left out for the other seeds of docs/whitebox.md (THIRD begins from FIRST).

FIRST and so on are the runs' weights.safetensors. For some pictures of every batch the network is asked where the
evidence for a class lies: on pictures of it, or on others (`training/evidence.py`). What each of these is worth is in
docs/whitebox.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from cutaway.core.devices import autocast
from cutaway.nets.zoo.by_weights import made_for
from cutaway.nets.zoo.clear_net import SHARED, ClearNet, clear_net
from cutaway.nets.zoo.smooth_convnet import in_integers, whiten
from cutaway.training.cifar import Batch, Build, Loss, Settings, Widths, cifar_recipe, cifar_task, took_over, weights_of
from cutaway.training.evidence import asking
from cutaway.training.loop import Task
from cutaway.whitebox.homogeneous import contrast_of

CLAIM = __doc__.splitlines()[0]


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: PositiveInt = 2  # values begin with filters that have learned; a third epoch gives nothing
    batch: PositiveInt = 125  # twice the steps of 250 at a tenth more time
    start: str = "cifar10"  # the gating stream, which stays as it is; "" = drawn anew, and learns with the values
    widths: Widths = (64, 144, 176)  # of its stages
    shared: PositiveInt = SHARED  # places a side that share their gates: what makes gradients legible
    strength: NonNegativeFloat = 1.0  # how far answers open the last channels; 0 = no answer, values are all there is
    advisers: tuple[str, ...] = ()  # further networks, by spec or weights file, whose answers count as much
    taught: Annotated[float, Field(ge=0, le=1)] = 0.5  # that share of the values' labels is the gating stream's answer
    evidence: NonNegativeFloat = 0.3  # how strongly evidence for a class is pressed to lie on pictures of it
    asked: PositiveInt = 24  # pictures of each batch that are asked; each costs as much as three that are not
    filter_rate: float = 0.05  # of Muon, for gates that learn
    plain_rate: float = 0.001  # of Adam, for the values: nothing normalises them, so a step must be small


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def begun(module: nn.Module, pictures: Tensor) -> None:
        assert isinstance(module, ClearNet)
        for name, adviser in zip(config.advisers, module.advisers, strict=True):
            took_over(adviser.requires_grad_(False), weights_of(name), name)
            in_integers(adviser)  # what only decides needs no more than a byte for each weight
        if config.start:
            given = weights_of(config.start)
            took_over(module.gates.requires_grad_(False), given, config.start)
            in_integers(module.gates)
            took_over(module.head, given, config.start, above="head.")
        else:
            whiten(module.gates, pictures)
        module.values_like_gates()

    loss = asking(told(config), config.evidence, config.asked, len(config.classes))
    return cifar_task(config, data, seed, device, network_of(config), begun=begun, loss=loss, plain=value_filters)


def network_of(config: Config) -> Build:
    """The network that the settings describe."""
    advisers = [partial(made_for, weights_of(each)) for each in config.advisers]
    return partial(clear_net, widths=config.widths, shared=config.shared, strength=config.strength, advisers=advisers)


def told(config: Config) -> Loss:
    """What values say without the answer, which thus is no excuse for them; and what gates answer, where they learn."""

    def loss(module: nn.Module, pictures: Tensor, targets: Tensor) -> Tensor:
        assert isinstance(module, ClearNet)
        with autocast(pictures.device):
            openings, last = module.gating(pictures / contrast_of(pictures))
            scores = module.scores(module.summed(pictures, openings)).float()
        by_labels = F.cross_entropy(scores, targets, label_smoothing=config.smoothing)
        if not config.strength:
            return by_labels
        if not config.start:
            return by_labels + F.cross_entropy(last.float(), targets, label_smoothing=config.smoothing)
        return torch.lerp(by_labels, F.cross_entropy(scores, last.float().softmax(1)), config.taught)

    return loss


def value_filters(module: nn.Module) -> list[nn.Parameter]:
    """The value stream's: Muon would hold their norms, which here are the size of the scores."""
    assert isinstance(module, ClearNet)
    return list(module.values.parameters())


RECIPE = cifar_recipe("clear", CLAIM, Config, task)

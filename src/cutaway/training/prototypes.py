"""How networks with prototypes train: losses that place the prototypes, their projection, and last the head alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.training.cifar import Batch, Settings, cifar_recipe, cifar_task
from cutaway.training.loop import Task
from cutaway.training.pictures import normalised, training_pictures
from cutaway.training.recipe import Recipe
from cutaway.whitebox import prototype_losses
from cutaway.whitebox.projection import project


@runtime_checkable
class Placing(Protocol):
    """Settings that say where prototypes should be."""

    @property
    def smoothing(self) -> float: ...
    @property
    def cluster(self) -> float: ...
    @property
    def separation(self) -> float: ...
    @property
    def dissimilarity(self) -> float: ...
    @property
    def temperature(self) -> float: ...


@dataclass(frozen=True)
class PrototypeSettings(Settings):
    """What networks with prototypes add to the common settings."""

    per_class: PositiveInt = 8  # prototypes of a class
    last: PositiveInt = 2  # epochs, the last ones, in which prototypes are patches and the head alone learns
    cluster: NonNegativeFloat = 0.1  # how strongly each picture is drawn to a prototype of its own class
    separation: NonNegativeFloat = 0.02  # and away from those of other classes
    dissimilarity: NonNegativeFloat = 0.1  # how strongly a class's prototypes are kept from looking at one place
    temperature: PositiveFloat = 1.0  # at which their maps are compared for that
    projected: PositiveInt = 5000  # training pictures among which every prototype finds its patch


def prototype_recipe(name: str, claim: str, network: Callable[..., PrototypeNet]) -> Recipe:
    """A recipe for CIFAR-10: `network(classes, per_class, seed=...)` placed, then projected, then its head alone."""

    def task(config: PrototypeSettings, data: str, seed: int, device: torch.device) -> Task[Batch]:
        return prototype_task(config, data, seed, device, network)

    return cifar_recipe(name, claim, PrototypeSettings, task)


def prototype_task(
    config: PrototypeSettings, data: str, seed: int, device: torch.device, network: Callable[..., PrototypeNet]
) -> Task[Batch]:
    """The training as data and functions."""

    def build(classes: int) -> nn.Module:
        return network(classes, config.per_class, seed=seed)

    def before(module: nn.Module, epoch: int) -> None:
        assert isinstance(module, PrototypeNet)
        first = config.epochs - config.last
        if epoch >= first:
            # A run that is resumed later on finds its prototypes projected already.
            settle(module, _projected(config, data, device) if epoch == first else None)

    def loss(module: nn.Module, pictures: Tensor, targets: Tensor) -> Tensor:
        assert isinstance(module, PrototypeNet)
        return placed(config, module, pictures, targets)

    return cifar_task(config, data, seed, device, build, loss=loss, before=before, plain=_prototypes)


def placed(config: Placing, net: PrototypeNet, pictures: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy, and what the settings say of where prototypes should be (Chen et al. 2019)."""
    maps = net.prototypes.similarity_maps(net.encoder(pictures))
    likeness = maps.amax((2, 3))
    classes_of = net.prototypes.classes_of
    loss = F.cross_entropy(net.head(likeness), targets, label_smoothing=config.smoothing)
    loss = loss + config.cluster * prototype_losses.cluster(likeness, targets, classes_of)
    loss = loss + config.separation * prototype_losses.separation(likeness, targets, classes_of)
    overlap = prototype_losses.dissimilarity(maps, targets, classes_of, config.temperature)
    return loss + config.dissimilarity * overlap


def settle(net: PrototypeNet, batches: Iterable[Batch] | None) -> None:
    """Prototypes become patches of these pictures (None: they are already), and from here on the head alone learns."""
    net.encoder.eval()
    for parameter in (*net.encoder.parameters(), *net.prototypes.parameters()):
        parameter.requires_grad_(False)
    if batches is not None:
        project(net.prototypes, net.encoder, batches)


def _projected(config: PrototypeSettings, data: str, device: torch.device) -> Iterator[Batch]:
    train, _ = training_pictures(data, config.classes, config.holdout, config.batch)
    for pictures, targets in zip(
        train.pictures[: config.projected].split(250), train.targets[: config.projected].split(250), strict=True
    ):
        yield normalised(pictures.to(device)), targets.to(device)


def _prototypes(module: nn.Module) -> list[nn.Parameter]:
    """Prototypes are places, and no filters."""
    assert isinstance(module, PrototypeNet)
    return [module.prototypes.values()]

"""Networks that teach others: what they hold of a picture is its label, also of mixtures, of which no label tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cutaway.core.devices import autocast
from cutaway.core.errors import OptionError
from cutaway.nets.checkpoint import SUFFIXES
from cutaway.nets.load import load
from cutaway.nets.zoo.by_weights import made_for
from cutaway.training.cifar import Loss, Settings, Teacher, took_over, weights_of
from cutaway.whitebox.homogeneous import contrast_of

TAUGHT = 0.8  # of the labels of whole pictures: the share that teachers hold; of mixtures they say all


def teacher_of(name: str, config: Settings, device: torch.device) -> Teacher:
    """The probabilities that another network has for the classes that are learned."""
    told = answers_of(name, config, device)

    @torch.no_grad()
    def teacher(pictures: Tensor) -> Tensor:
        return told(pictures).float().softmax(1)

    return teacher


def answers_of(name: str, config: Settings, device: torch.device) -> Teacher:
    """The scores that another network has for the classes that are learned.

    name: a network by its spec, whose labels say which of its scores these are (an OptionError where it knows not all);
    or a run's weights file (of `cifar10`, `airbench` and their like), which learned these classes (a WeightsError where
    it is of others).
    """
    module, columns = (
        _stored(name, config) if Path(name).suffix in SUFFIXES and "@" not in name else _named(name, config)
    )
    module.to(device).eval().requires_grad_(False)

    def answers(pictures: Tensor) -> Tensor:
        with autocast(device):
            logits: Tensor = module(pictures)
        return logits[:, columns]

    return answers


def _named(name: str, config: Settings) -> tuple[nn.Module, list[int]]:
    model = load(name)
    labels = tuple(model.labels or ())
    if missing := sorted(set(config.classes) - set(labels)):
        raise OptionError(
            f'"{name}" knows no {", ".join(missing)}; expected a network that knows all classes; try cifar10'
        )
    return model.module, [labels.index(each) for each in config.classes]


def _stored(name: str, config: Settings) -> tuple[nn.Module, list[int]]:
    given, count = weights_of(name), len(config.classes)
    module = made_for(given, count)
    took_over(module, given, name)
    return module, list(range(count))


def taught(config: Settings, names: Sequence[str], device: torch.device) -> Loss:
    """A loss by what these networks hold together (the geometric mean of their probabilities).

    The first half of every batch is mixed, each picture with at most as much of another one: between pictures that
    are known by heart teachers say more than they do of these (Beyer et al. 2022, "Knowledge distillation: a good
    teacher is patient and consistent").
    """
    teachers = [answers_of(name, config, device) for name in names]
    even = 1 - config.smoothing

    def loss(module: nn.Module, pictures: Tensor, targets: Tensor) -> Tensor:
        half = len(pictures) // 2
        share = 0.5 + 0.5 * torch.rand(half, 1, 1, 1).to(pictures.device)
        mixed = share * pictures[:half] + (1 - share) * pictures[:half].roll(1, 0)
        seen = torch.cat([mixed / contrast_of(mixed) if config.even else mixed, pictures[half:]])
        with torch.no_grad():
            held = torch.stack([each(seen).float().log_softmax(1) for each in teachers]).mean(0).softmax(1)
        labels = even * F.one_hot(targets, held.shape[1]) + config.smoothing / held.shape[1]
        held = torch.cat([held[:half], torch.lerp(labels[half:], held[half:], TAUGHT)])
        with autocast(pictures.device):
            logits = module(seen)
        return F.cross_entropy(logits.float(), held)

    return loss

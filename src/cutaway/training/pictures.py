"""CIFAR-10 as networks train on it: which classes, what is held out, crops, and the share that is told rightly."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from cutaway.core.devices import autocast
from cutaway.core.errors import DataError, OptionError, choose
from cutaway.data.cifar10 import LABELS, SIDE, Cifar10, open_cifar10
from cutaway.data.specs import parse_spec
from cutaway.nets.preprocess import CIFAR10_MEAN, CIFAR10_STD, Preprocess

PREPROCESS = Preprocess(size=SIDE, mean=CIFAR10_MEAN, std=CIFAR10_STD)


def training_pictures(data: str, classes: Sequence[str], holdout: int, batch: int) -> tuple[Cifar10, Cifar10 | None]:
    """The pictures that train, and the last `holdout` of these classes' pictures, held out, if any."""
    train = of_classes(open_cifar10(parse_spec(data).folder(), "train"), classes)
    cut = len(train) - holdout
    if cut < batch:
        raise OptionError(
            f"{max(cut, 0):,} of {len(train):,} pictures are left to train; expected at least one batch "
            f"({batch}); try a smaller holdout or batch"
        )
    if not holdout:
        return train, None
    return (
        Cifar10("train", train.pictures[:cut], train.targets[:cut]),
        Cifar10("train", train.pictures[cut:], train.targets[cut:]),
    )


def test_pictures(data: str, classes: Sequence[str]) -> Cifar10:
    """The test pictures of these classes, to be looked at once."""
    return of_classes(open_cifar10(parse_spec(data).folder(), "test"), classes)


def of_classes(data: Cifar10, classes: Sequence[str]) -> Cifar10:
    """The pictures of some classes, which are counted in the order given. Raises DataError for an empty class."""
    wanted = [LABELS.index(choose(name, LABELS, "class")) for name in classes]
    if len(set(wanted)) != len(wanted) or len(wanted) < 2:
        raise OptionError(f"classes are {', '.join(classes)}; expected at least two different ones; try {LABELS[:2]}")
    if wanted == list(range(len(LABELS))):
        return data
    for index, name in zip(wanted, classes, strict=True):
        if not bool((data.targets == index).any()):
            raise DataError(
                f'class "{name}" has no pictures in the {data.split} split; expected at least one; try other classes'
            )
    number = torch.full((len(LABELS),), -1)
    number[wanted] = torch.arange(len(wanted))
    kept = number[data.targets] >= 0
    return Cifar10(data.split, data.pictures[kept], number[data.targets[kept]])


def normalised(pictures: UInt8[Tensor, "n 3 high wide"]) -> Float[Tensor, "n 3 high wide"]:
    """Pictures as the networks see them, laid out as convolutions are quickest."""
    return PREPROCESS.normalise(pictures.float() / 255).contiguous(memory_format=torch.channels_last)


def padded(pictures: UInt8[Tensor, "n 3 32 32"], shift: int) -> UInt8[Tensor, "n 3 high wide"]:
    """Room for crops that move by up to `shift` pixels: the border mirrored."""
    return F.pad(pictures.float(), [shift] * 4, mode="reflect").to(torch.uint8)


def crops(
    padded: UInt8[Tensor, "n 3 high wide"], mirrored: Bool[Tensor, " n"], draw: torch.Generator
) -> UInt8[Tensor, "n 3 32 32"]:
    """A window of every padded picture at a place of its own; those that are mirrored, left to right."""
    windows = padded.unfold(2, SIDE, 1).unfold(3, SIDE, 1)  # a view: n, 3, places down, places across, 32, 32
    y, x = torch.randint(windows.shape[2], (2, len(padded)), generator=draw)
    cropped = windows[torch.arange(len(padded)), :, y, x]
    return torch.where(mirrored.to(padded.device)[:, None, None, None], cropped.flip(-1), cropped)


def covered(
    pictures: Float[Tensor, "n 3 high wide"], side: int, draw: torch.Generator
) -> Float[Tensor, "n 3 high wide"]:
    """Normalised pictures without a square of `side` pixels, at a place of its own in each: the mean colour is there.

    (DeVries and Taylor 2017, "Improved regularization of convolutional neural networks with cutout".)
    """
    high, wide = pictures.shape[2:]
    y = torch.randint(high - side + 1, (len(pictures), 1), generator=draw)
    x = torch.randint(wide - side + 1, (len(pictures), 1), generator=draw)
    down, across = torch.arange(high), torch.arange(wide)
    rows, columns = (down >= y) & (down < y + side), (across >= x) & (across < x + side)
    return pictures.masked_fill((rows[:, None, :, None] & columns[:, None, None, :]).to(pictures.device), 0)


@torch.no_grad()
def accuracy(module: nn.Module, data: Cifar10, device: torch.device, precision: str = "auto") -> float:
    """The share of pictures whose highest score is the right class's."""
    right = 0
    for pictures, targets in zip(data.pictures.split(500), data.targets.split(500), strict=True):
        with autocast(device, precision):
            right += int((module(normalised(pictures.to(device))).argmax(1).cpu() == targets).sum())
    return right / len(data)

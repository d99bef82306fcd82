"""Views of a batch that train legible gradients: the batch, and the batch moved up the gradient of its own loss."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.nets.preprocess import CIFAR10_STD
from cutaway.training.cifar import Batch, Views, once

TINY = 1e-12


def shown(length: float) -> tuple[Views, int]:
    """The views of a batch and their number: as it is and moved by `length`, or as it is alone for 0."""
    return (and_moved(length), 2) if length else (once, 1)


def and_moved(length: float) -> Views:
    """Two views: the pictures, and the same moved by `length` (L2, pixels in [0, 1]) up the loss of the first view.

    The gradient by the pictures comes with the one by the weights, so the second view costs no pass of its own ("free"
    adversarial training, Shafahi et al. 2019, with two repeats and no carrying over). A network that must not change
    its mind on the way up has gradients that look like what it sees.
    """

    def views(_: nn.Module, pictures: Tensor, targets: Tensor) -> Iterator[Batch]:
        pictures.requires_grad_(True)
        yield pictures, targets
        assert pictures.grad is not None  # the loop went back through the first view
        yield moved(pictures.detach(), pictures.grad, length), targets

    return views


def moved(
    pictures: Float[Tensor, "batch channels height width"],
    gradients: Float[Tensor, "batch channels height width"],
    length: float,
) -> Float[Tensor, "batch channels height width"]:
    """Normalised pictures moved so that their pixels move by `length` along the gradient by the pixels."""
    spread = pictures.new_tensor(CIFAR10_STD)[:, None, None]
    by_pixels = gradients / spread
    norms = by_pixels.flatten(1).norm(dim=1).clamp(min=TINY)[:, None, None, None]
    ended: Tensor = pictures + length * by_pixels / norms / spread
    return ended.contiguous(memory_format=torch.channels_last)


def attacked(
    module: nn.Module, pictures: Tensor, targets: Tensor, length: float = 0.5, steps: int = 20
) -> Float[Tensor, "batch channels height width"]:
    """Projected gradient ascent of the cross entropy in the L2 ball around pictures in [0, 1] (Madry et al. 2018).

    `module` takes pictures in [0, 1] (a Model). Steps are 2.5 length / steps long; there is no random start.
    """
    begun, now = pictures.detach(), pictures.detach().clone()
    for _ in range(steps):
        now.requires_grad_(True)
        loss = nn.functional.cross_entropy(module(now), targets, reduction="sum")
        (slope,) = torch.autograd.grad(loss, now)
        now = now.detach() + 2.5 * length / steps * slope / _norms(slope)
        away = now - begun
        now = (begun + away * (length / _norms(away)).clamp(max=1)).clamp(0, 1)
    return now.detach()


def _norms(values: Tensor) -> Tensor:
    norms: Tensor = values.flatten(1).norm(dim=1).clamp(min=TINY)
    return norms[:, None, None, None]

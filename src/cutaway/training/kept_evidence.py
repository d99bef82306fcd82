"""What channels find on real pictures, and a head that moves where that changes little.

Two heads that say the same of real pictures may show quite different things where there is nothing to see. So a head
that is asked for something else is told apart from what it was by the evidence it hears (`heard`) and by the scores it
gives (`apart`); and it moves in directions that find equally much (`Along`), so that those that real pictures hardly
use are as easily taken as all others.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.nets.zoo.clear_net import ClearNet
from cutaway.whitebox import weights_held
from cutaway.whitebox.homogeneous import contrast_of

FLOOR = 1e-3  # of what channels find on the mean: as if each found so much by itself


def found_on(network: ClearNet, pictures: Float[Tensor, "n 3 high wide"]) -> Float[Tensor, "channels channels"]:
    """What channels find on real pictures, each at one place of the grid: second moments of their evidence, pixel by
    pixel, of a picture's pixels the sum."""
    grid, total = network.places, torch.zeros(())
    for number, picture in enumerate(pictures):
        y, x = divmod(number % grid**2, grid)
        with torch.no_grad():
            openings, _ = network.gating(picture[None] / contrast_of(picture[None]))
        channels = openings[-1].shape[1]
        many = picture.expand(channels, -1, -1, -1).clone().requires_grad_(True)
        with weights_held(network):
            summed = network.summed(many, [each.expand(channels, -1, -1, -1) for each in openings])
            (slopes,) = torch.autograd.grad(summed[:, :, y, x].diagonal().sum(), many)
        evidence = (slopes * many).sum(1).flatten(1)
        total = total + (evidence @ evidence.mT).detach() / len(pictures)
    return total + FLOOR * total.diagonal().mean() * torch.eye(len(total)).to(total)


class Along(torch.optim.Adam):
    """Adam in other coordinates: those in which each direction of the channels finds as much on real pictures.

    A coordinate is worth one where a change along it is heard as loudly there as the whole head was.
    """

    def __init__(self, head: Tensor, shares: Float[Tensor, "channels channels"], rate: float) -> None:
        self.head, self.moved = head, torch.zeros_like(head)
        sizes, directions = torch.linalg.eigh(shares)
        self.along = directions * torch.rsqrt(sizes)
        super().__init__([self.moved.requires_grad_(True)], rate)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # torch would have it give a loss
        """A step from where the head is: Adam never asks where that is."""
        assert closure is None
        assert self.head.grad is not None
        self.moved.zero_().grad = by_place(self.head.grad, self.along)
        super().step()
        self.head.add_(by_place(self.moved, self.along.mT))
        self.head.grad = None


def by_place(
    head: Float[Tensor, "classes channels_x_places"], matrix: Float[Tensor, "channels channels"]
) -> Float[Tensor, "classes channels_x_places"]:
    """A head, or its gradient, with the channels of each place mixed."""
    return torch.einsum("kcp,cd->kdp", head.unflatten(1, (len(matrix), -1)), matrix).flatten(1)


def heard(
    head: Float[Tensor, "classes channels_x_places"], found: Float[Tensor, "channels channels"]
) -> Float[Tensor, ""]:
    """The evidence that a head hears, of all places, on the mean over classes."""
    return (by_place(head, found) * head).sum(1).mean()


@torch.no_grad()
def summed_on(network: ClearNet, pictures: Float[Tensor, "n 3 high wide"]) -> Float[Tensor, "n channels_x_places"]:
    """What the value stream adds up from real pictures."""
    seen = [some / contrast_of(some) for some in pictures.split(100)]
    return torch.cat([network.flatten(network.summed(each, network.gating(each)[0])) for each in seen])


def apart(head: Float[Tensor, "classes channels_x_places"], summed: Tensor) -> Float[Tensor, ""]:
    """How far a head's scores lie from their mean over classes, squared, on the mean."""
    return F.linear(summed, head - head.mean(0)).square().mean()

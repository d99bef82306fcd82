"""Evidence in its place: a loss that asks pixels to speak for a class where the class is, and nowhere else."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from cutaway.core.devices import autocast
from cutaway.training.cifar import Loss
from cutaway.whitebox import weights_held

OTHERS = 8  # cells of a 3 x 3 mosaic that show other classes, for the one that shows the class


def asking(told: Loss, weight: float, asked: int, classes: int) -> Loss:
    """A loss that also asks the first `asked` pictures of every batch where their evidence lies; `told` at weight 0."""
    if not weight:
        return told

    def loss(module: nn.Module, pictures: Tensor, targets: Tensor) -> Tensor:
        return told(module, pictures, targets) + weight * misplaced(module, pictures[:asked], targets[:asked], classes)

    return loss


def misplaced(
    network: nn.Module, pictures: Float[Tensor, "batch 3 high wide"], targets: Int64[Tensor, " batch"], classes: int
) -> Float[Tensor, ""]:
    """-log of the share of all that speaks for a class that lies on pictures of it; log 9 for blind evidence.

    Evidence is the positive part of gradient x input, colours added up, weights held: what a network without offsets
    adds up its scores from. A third of the pictures is asked about its own class, the others about a class drawn from
    torch's stream. Pictures are normalised; norms count as the fixed factors that they are in eval. Mosaics never
    need to be laid: a mean over places makes their evidence that of their cells, but at the seams.
    """
    own = torch.arange(len(targets), device=targets.device) % 3 == 0
    another = (targets + torch.randint(1, classes, targets.shape).to(targets.device)) % classes
    speaks = evidence(network, pictures, torch.where(own, targets, another)).clamp(min=0).flatten(1).sum(1)
    right, wrong = speaks[own].mean(), speaks[~own].mean()
    return -torch.log(right / (right + OTHERS * wrong))


def evidence(
    network: nn.Module, pictures: Float[Tensor, "batch 3 high wide"], asked: Int64[Tensor, " batch"]
) -> Float[Tensor, "batch high wide"]:
    """What each pixel says for a class, in a form that can be learned from."""
    inputs, training = pictures.detach().requires_grad_(True), network.training
    network.eval()
    with weights_held(network), autocast(pictures.device):
        scores = network(inputs).gather(1, asked[:, None]).float()
    (slopes,) = torch.autograd.grad(scores.sum(), inputs, create_graph=True)
    network.train(training)
    return (slopes * inputs).sum(1)

"""What prototypes are pressed to be while they train: near their own class, far from others, unlike one another."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from cutaway.core.errors import TargetError
from cutaway.whitebox.gradients import positive

Likeness = Float[Tensor, "batch prototypes"]
Labels = Int64[Tensor, " batch"]


def cluster(similarities: Likeness, labels: Labels, classes_of: Int64[Tensor, " prototypes"]) -> Float[Tensor, ""]:
    """Minus the likeness of each picture to the nearest prototype of its own class (Chen et al. 2019)."""
    own = _own(labels, classes_of)
    return -similarities.masked_fill(~own, -torch.inf).amax(1).mean()


def separation(similarities: Likeness, labels: Labels, classes_of: Int64[Tensor, " prototypes"]) -> Float[Tensor, ""]:
    """The likeness of each picture to the nearest prototype of any other class."""
    own = _own(labels, classes_of)
    return similarities.masked_fill(own, -torch.inf).amax(1).mean()


def dissimilarity(
    maps: Float[Tensor, "batch prototypes y x"],
    labels: Labels,
    classes_of: Int64[Tensor, " prototypes"],
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    """How much the maps of one class's prototypes overlap on its own pictures: 0 = each has its own place, 1 = all one.

    Each map becomes a distribution over places (softmax of map / temperature); overlap = mean cosine between those of
    different prototypes. Cosines differ by less than one: at temperature 1 all distributions are nearly even and
    overlap wherever they lie, so a loss on cosines wants about 0.1. Raises OptionError for a temperature of 0 or less.
    """
    own = _own(labels, classes_of)
    shares: Tensor = torch.softmax(maps.flatten(2) / positive(temperature, "temperature"), dim=2)
    shares = shares / shares.norm(dim=2, keepdim=True)
    cosines = shares @ shares.transpose(1, 2)
    pairs = own[:, :, None] & own[:, None, :] & ~torch.eye(maps.shape[1], dtype=torch.bool, device=maps.device)
    overlap: Tensor = (cosines * pairs).sum() / pairs.sum().clamp(min=1)
    return overlap


def _own(labels: Labels, classes_of: Int64[Tensor, " prototypes"]) -> Tensor:
    classes = int(classes_of.max()) + 1
    if len(labels) == 0 or int(labels.min()) < 0 or int(labels.max()) >= classes:
        given = f"{int(labels.min())} to {int(labels.max())}" if len(labels) else "no labels"
        raise TargetError(f"labels are {given}; expected indices 0 to {classes - 1}; try as many classes as labels")
    own: Tensor = labels[:, None] == classes_of[None]
    return own

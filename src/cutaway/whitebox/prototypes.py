"""Prototypical parts: a score is a sum of likenesses to patches of training pictures that anyone can look at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.whitebox.gradients import at_least_one, positive

Features = Float[Tensor, "batch channels height width"]


@dataclass(frozen=True)
class Source:
    """The training patch that a prototype is: the picture's index and label, its place on the grid, and how alike."""

    picture: int
    label: int
    place: tuple[int, int]
    similarity: float


class Prototypes(nn.Module):
    """`per_class` prototypes for each class, in the order of the classes; answers how alike the best place is.

    `classes_of` (prototypes,) names the class of each; `sources` holds the patches once `project` has been called.
    """

    classes_of: Tensor

    def __init__(self, classes: int, per_class: int) -> None:
        super().__init__()
        count = at_least_one(classes, "classes") * at_least_one(per_class, "per_class")
        self.classes = classes
        self.register_buffer("classes_of", torch.arange(classes).repeat_interleave(per_class))
        self.sources: list[Source | None] = [None] * count

    def similarity_maps(self, features: Features) -> Float[Tensor, "batch prototypes y x"]:
        """How alike each place is to each prototype."""
        raise NotImplementedError

    def patch(self, features: Features, prototype: int, place: tuple[int, int]) -> Tensor:
        """What the prototype would be if it were this place of a batch of one."""
        raise NotImplementedError

    def candidates(self, features: Features, worth: Float[Tensor, "batch y x"], count: int) -> Tensor:
        """The `count` patches of these features, as prototypes, whose places are worth most; the worthiest first."""
        raise NotImplementedError

    def values(self) -> nn.Parameter:
        """The prototypes themselves, `(prototypes, ...)`."""
        raise NotImplementedError

    def forward(self, features: Features) -> Float[Tensor, "batch prototypes"]:
        return self.similarity_maps(features).amax((2, 3))

    def places(self, features: Features) -> Int64[Tensor, "batch prototypes 2"]:
        """Where each prototype fires most: (y, x) on the grid."""
        maps = self.similarity_maps(features)
        best = maps.flatten(2).argmax(2)
        return torch.stack([best // maps.shape[3], best % maps.shape[3]], dim=-1)

    @torch.no_grad()
    def prune(self, keep: Bool[Tensor, " prototypes"]) -> None:
        """Drops the prototypes that are not kept. Raises OptionError where a class would have none left."""
        left = torch.bincount(self.classes_of[keep], minlength=self.classes)
        if int(left.min()) == 0:
            raise OptionError(
                f"class {int(left.argmin())} would have no prototype left; expected at least one per class; "
                "try to keep its best"
            )
        values = self.values()
        values.data = values.data[keep].clone()
        values.grad = None
        self.classes_of = self.classes_of[keep]
        self.sources = [source for source, kept in zip(self.sources, keep.tolist(), strict=True) if kept]


class PrototypeLayer(Prototypes):
    """Prototypes of ProtoPNet (Chen et al. 2019): likeness log((d + 1) / (d + epsilon)) of squared distances d.

    A prototype is a patch of `side` x `side` places of the features. Values start uniform in [0, 1], as features after
    a sigmoid are.
    """

    def __init__(
        self, channels: int, classes: int, per_class: int = 5, side: int = 1, epsilon: float = 1e-4, seed: int = 0
    ) -> None:
        super().__init__(classes, per_class)
        self.epsilon = positive(epsilon, "epsilon")
        shape = (len(self.classes_of), at_least_one(channels, "channels"), at_least_one(side, "side"), side)
        self.prototypes = nn.Parameter(torch.rand(shape, generator=generator(seed, "prototypes")))

    def values(self) -> nn.Parameter:
        return self.prototypes

    def distances(self, features: Features) -> Float[Tensor, "batch prototypes y x"]:
        """Squared distances of each patch to each prototype: |z|^2 - 2 <z, p> + |p|^2, never below 0."""
        squares = F.conv2d(features.square(), torch.ones_like(self.prototypes[:1]))
        products = F.conv2d(features, self.prototypes)
        return (squares - 2 * products + self.prototypes.square().sum((1, 2, 3))[:, None, None]).clamp(min=0)

    def similarity_maps(self, features: Features) -> Float[Tensor, "batch prototypes y x"]:
        distances = self.distances(features)
        return torch.log((distances + 1) / (distances + self.epsilon))

    def patch(self, features: Features, prototype: int, place: tuple[int, int]) -> Float[Tensor, "channels side side"]:
        (y, x), side = place, self.prototypes.shape[-1]
        return features[0, :, y : y + side, x : x + side]

    def candidates(
        self, features: Features, worth: Float[Tensor, "batch y x"], count: int
    ) -> Float[Tensor, "count channels side side"]:
        side = self.prototypes.shape[-1]
        total = F.avg_pool2d(worth[:, None], side, 1)[:, 0]
        return torch.stack([self.patch(features[n : n + 1], 0, (y, x)) for n, y, x in highest(total, count)])

    def extra_repr(self) -> str:
        count, channels, side, _ = self.prototypes.shape
        return f"{count} prototypes of {self.classes} classes, {channels} channels, side={side}"


def highest(worth: Float[Tensor, "batch y x"], count: int) -> list[tuple[int, int, int]]:
    """The pictures and places of the `count` highest values (all, where there are fewer)."""
    height, width = worth.shape[1:]
    best = worth.flatten().topk(min(count, worth.numel())).indices.tolist()
    return [(each // (height * width), each // width % height, each % width) for each in best]

"""Where prototypes begin: with patches that are found again in other pictures of their class, and stand out there."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from cutaway.core.errors import DataError
from cutaway.whitebox.gradients import at_least_one
from cutaway.whitebox.prototypes import Features, Prototypes

TOGETHER = 8  # pictures that are looked at together: maps of more of them leave a processor's cache


def prominence(maps: Float[Tensor, "batch prototypes y x"]) -> Float[Tensor, "batch prototypes"]:
    """How far a prototype's best place stands out from the picture: the map's highest value less its mean.

    A patch of sky is like all of the sky (0); a beak is like one place. What stands out is found at one place of the
    bird more often than what is merely alike.
    """
    return maps.amax((2, 3)) - maps.mean((2, 3))


@torch.no_grad()
def begin(
    layer: Prototypes,
    features: Features,
    labels: Int64[Tensor, " batch"],
    pool: int,
    distinct: float,
    nearest: int = 10,
) -> None:
    """Sets the prototypes to patches of these features that are prominent in their class, and nowhere else.

    Of each class's pictures the `pool` patches are taken whose places are most prominent one by one (`patch_worth`).
    Each is then a prototype, and ranked by its mean prominence in the `nearest` pictures of all classes that it is most
    like, where pictures of other classes count 0 (the rule by which ProtoPNet prunes, Chen et al. 2019, made a rank).
    From the best down, those are taken that are less than `distinct` like one taken before (cosine), so that the
    prototypes of a class differ; where too few are, the best of the others fill up.

    Raises DataError for a class without pictures, OptionError for nearest or pool < 1.
    """
    at_least_one(nearest, "nearest")
    each = len(layer.classes_of) // layer.classes
    chosen: list[Tensor] = []
    for label in range(layer.classes):
        own = labels == label
        if not bool(own.any()):
            raise DataError(
                f"class {label} has no pictures; expected at least one picture of each of the {layer.classes} classes; "
                "try other pictures, or fewer classes"
            )
        worth = patch_worth(features[own], nearest)
        found = layer.candidates(features[own], worth, max(each, at_least_one(pool, "pool")))
        chosen.append(found[_distinct(found, _rank(layer, found, features, own, nearest), each, distinct)])
    layer.values().copy_(torch.cat(chosen))


def patch_worth(features: Features, nearest: int = 10) -> Float[Tensor, "batch y x"]:
    """Every place as a prototype of its own: its mean prominence in the `nearest` pictures that it is most like."""
    count, _, height, width = features.shape
    places = F.normalize(features, dim=1).flatten(2).transpose(1, 2)  # (batch, places, channels)
    flat = places.flatten(0, 1).T
    worth = []
    for picture in places:
        cosines = (picture @ flat).unflatten(1, (count, -1))
        best = cosines.amax(2)
        most = best.topk(min(nearest, count), dim=1).indices
        worth.append((best - cosines.mean(2)).gather(1, most).mean(1))
    mapped: Tensor = torch.stack(worth).unflatten(1, (height, width))
    return mapped


def _rank(layer: Prototypes, found: Tensor, features: Features, own: Tensor, nearest: int) -> Tensor:
    """Each candidate's mean prominence where it is most alike, of which its own class's pictures count."""
    tried = copy.deepcopy(layer)
    tried.values().data = found
    maps = [tried.similarity_maps(some) for some in features.split(TOGETHER)]
    alike = torch.cat([each.amax((2, 3)) for each in maps])
    stands = torch.cat([prominence(each) for each in maps]) * own[:, None]
    ranked: Tensor = stands.gather(0, alike.topk(min(nearest, len(own)), dim=0).indices).mean(0)
    return ranked


def _distinct(found: Tensor, rank: Tensor, count: int, distinct: float) -> list[int]:
    """The `count` best ranked that are not too like a better one; then the best of those left out."""
    vectors = F.normalize(found.flatten(1), dim=1)
    likeness = vectors @ vectors.T
    order: list[int] = rank.argsort(descending=True, stable=True).tolist()
    taken: list[int] = []
    for each in order:
        if len(taken) < count and all(float(likeness[each, other]) < distinct for other in taken):
            taken.append(each)
    return (taken + [each for each in order if each not in taken])[:count]

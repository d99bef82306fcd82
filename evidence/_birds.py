"""What evidence on birds shares: their features, computed once and kept in the cache, and where parts lie."""

from __future__ import annotations

import torch
from torch import Tensor

import cutaway as cw
from cutaway.core import cache
from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.training.bird_features import GRID, Depth, Encoded, centres, encoded, points
from cutaway.whitebox import DeformablePrototypeLayer
from cutaway.whitebox.prominence import TOGETHER
from cutaway.whitebox.prototypes import Prototypes

DATA = "jsonl:../shared/data/birds/birds.jsonl"  # from the root, where evidence is run: the cache then knows it again
ENCODER = "squeezenet1_1@../shared/models/squeezenet1_1_imagenet.safetensors"


def birds(model: cw.Model, depth: Depth, split: str, mirrored: bool = False) -> Encoded:
    """A split's features: computed now, or taken from the cache."""
    asked = {"what": "birds", "data": DATA, "encoder": ENCODER, "shown": "whole"}  # of a picture, not its middle
    question = asked | {"depth": depth, "split": split, "side": mirrored}

    def answer() -> dict[str, Tensor]:
        found = encoded(model, depth, DATA, split, mirrored)
        return {"features": found.features, "targets": found.targets}

    return Encoded(**cache.remember("birds", question, answer), parts=points(DATA, split))


def both_sides(model: cw.Model, depth: Depth) -> list[Encoded]:
    """The training birds, as they are and mirrored."""
    return [birds(model, depth, "train", side) for side in (False, True)]


def part_places(prototypes: Prototypes, features: Tensor) -> Tensor:
    """(batch, prototypes, parts, 2): where each part lies, (y, x) on the grid."""
    places = prototypes.places(features)[:, :, None]
    if not isinstance(prototypes, DeformablePrototypeLayer):
        return places
    return (places + prototypes.offsets(features)).clamp(0, GRID - 1)


def looked_at(place: Tensor, depth: Depth) -> tuple[float, float]:
    """Where in the picture a place (y, x) of the grid looks, 0 to 1: (y, x)."""
    y, x = centres(depth)[place.long()].tolist()
    return y, x


@torch.no_grad()
def places_on(net: PrototypeNet, data: Encoded) -> Tensor:
    """`part_places` of a whole split."""
    return torch.cat([part_places(net.prototypes, net.encoder(some)) for some in data.features.split(TOGETHER)])

"""Projection: every prototype becomes the training patch of its class that it is most like; and pruning."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Bool
from torch import Tensor

from cutaway.core.errors import DataError
from cutaway.whitebox.prototypes import Prototypes, Source

Encoder = Callable[[Tensor], Tensor]
Batches = Iterable[tuple[Tensor, Tensor]]  # pictures (batch, channels, height, width) and labels (batch,)


@torch.no_grad()
def project(layer: Prototypes, encoder: Encoder, batches: Batches) -> list[Source]:
    """Sets each prototype to the most similar patch among its own class's pictures, and says which it is.

    `encoder` maps pictures to features; pictures are numbered in the order of the batches. The likeness of a prototype
    to its source is then the highest there is. Raises DataError where a class has no picture; nothing is changed then.
    """
    best: list[Source | None] = [None] * len(layer.classes_of)
    values: list[Tensor | None] = [None] * len(best)
    seen = 0
    for pictures, labels in batches:
        features = encoder(pictures)
        maps = layer.similarity_maps(features)
        for prototype, label in enumerate(layer.classes_of.tolist()):
            of_class = torch.nonzero(labels == label).flatten()
            if not len(of_class):
                continue
            likeness, where = maps[of_class, prototype].flatten(1).max(1)
            picked = int(likeness.argmax())
            before = best[prototype]
            if before is None or float(likeness[picked]) > before.similarity:
                at, index = int(where[picked]), int(of_class[picked])
                place = (at // maps.shape[3], at % maps.shape[3])
                best[prototype] = Source(seen + index, label, place, float(likeness[picked]))
                values[prototype] = layer.patch(features[index : index + 1], prototype, place).clone()
        seen += len(pictures)
    sources = _all_found(best, layer)
    layer.values().data.copy_(torch.stack([value for value in values if value is not None]))
    layer.sources = list(sources)
    return sources


@torch.no_grad()
def shared_with_others(
    layer: Prototypes, encoder: Encoder, batches: Batches, nearest: int = 6, own_at_least: int = 3
) -> Bool[Tensor, " prototypes"]:
    """Which prototypes have fewer than `own_at_least` of their `nearest` patches in pictures of their own class.

    Those tell no class from another (a sky, a border) and are pruned: `layer.prune(~shared)`.
    """
    likeness: list[Tensor] = []
    labels_of: list[Tensor] = []
    for pictures, labels in batches:
        likeness.append(layer(encoder(pictures)))
        labels_of.append(labels)
    if not likeness:
        raise DataError("there are no pictures to prune by; expected at least one batch; try the training pictures")
    labels = torch.cat(labels_of)
    top = torch.cat(likeness).topk(min(nearest, len(labels)), dim=0).indices
    return (labels[top] == layer.classes_of[None]).sum(0) < own_at_least


def _all_found(best: list[Source | None], layer: Prototypes) -> list[Source]:
    empty = sorted({int(layer.classes_of[p]) for p, source in enumerate(best) if source is None})
    if empty:
        raise DataError(
            f"class {empty[0]} has no pictures; expected at least one picture of each of the {layer.classes} classes; "
            "try other batches, or fewer classes"
        )
    return [source for source in best if source is not None]

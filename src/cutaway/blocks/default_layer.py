"""Which layer an explanation looks into, where nobody says: the deepest one that still knows where things are."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from cutaway.blocks.places import one_picture
from cutaway.data.pictures import Source
from cutaway.nets.model import Model
from cutaway.trace import Layout, layouts, trace

_WRAPPERS = ("Sequential", "Dropout", "Dropout2d", "Identity")


def default_layer(model: Model, picture: Source) -> str | None:
    """The deepest layer with a grid whose channels are not the classes and whose places the predicted score depends on.

    The last asks for a gradient: behind the last attention of a vision transformer only the class token counts. Where
    several layers give the same output (a block, its last activation, the Sequential around it), the block is named.
    Where the score depends on no layer (a head of zeros), the deepest one. None where no layer has a grid.
    """
    pictures = one_picture(model, picture)
    with torch.no_grad():
        classes = model(pictures).shape[1]
    candidates = list(_candidates(model, classes))
    for layer, axes in candidates:
        if _matters(model, pictures, layer, axes):
            return _plainest(model, pictures, layer)
    return _plainest(model, pictures, candidates[0][0]) if candidates else None


def layer_before(model: Model, picture: Source, layer: str) -> str | None:
    """The last layer before this one whose grid is finer, by the plainest name; of tokens, which keep their grid to the
    end, the block halfway. None where no such layer feeds it."""
    leaves = {name: info.leaf for info in model.layers() for name in info.names}
    known = layouts(model)
    names = [name for name, axes in known.items() if _shows_places(axes, leaves[name])]
    earlier = names[: names.index(layer)] if layer in names else []
    finer = [name for name in earlier if known[name].grid[0] * known[name].grid[1] > _places(known[layer])]
    feeding = finer if finer and known[layer].axes != "tokens channels" else earlier
    pictures = one_picture(model, picture)
    order = reversed(feeding) if finer else [feeding[len(feeding) // 2], *reversed(feeding)] if feeding else []
    return next((_plainest(model, pictures, name) for name in order if _feeds(model, pictures, name, layer)), None)


def _places(axes: Layout) -> int:
    return axes.grid[0] * axes.grid[1]


def _feeds(model: Model, pictures: torch.Tensor, source: str, layer: str) -> bool:
    """Whether the layer depends on the source, to first order."""
    with torch.enable_grad():
        seen = trace(model, pictures, [source, layer], logits=False, cut=source)
    if not seen[layer].requires_grad:
        return False
    gradient = torch.autograd.grad(seen[layer].square().sum(), seen[source], allow_unused=True)[0]
    return gradient is not None and bool(gradient.any())


def _candidates(model: Model, classes: int) -> Iterator[tuple[str, Layout]]:
    """Layers with a grid from the deepest on; those whose channels are as many as the classes come last."""
    leaves = {name: info.leaf for info in model.layers() for name in info.names}
    found = [(name, axes) for name, axes in layouts(model).items() if _shows_places(axes, leaves[name])]
    for may_be_classes in (False, True):
        for name, axes in reversed(found):
            if (axes.channels == classes) == may_be_classes:
                yield name, axes


def _shows_places(axes: Layout, leaf: bool) -> bool:
    """Whether a layer's channels can be looked at place by place.

    Of tokens only whole blocks count: within one, queries, keys and values are mixed.
    """
    plain = axes.axes in ("channels height width", "height width channels")
    return axes.spatial and (plain or (axes.axes == "tokens channels" and not leaf))


def _matters(model: Model, pictures: torch.Tensor, layer: str, axes: Layout) -> bool:
    """Whether the predicted score depends on the layer's places."""
    with torch.enable_grad():
        seen = trace(model, pictures, [layer], cut=layer)
    score = None if seen.logits is None else seen.logits.max()
    if score is None or not score.requires_grad:
        return False
    gradient = torch.autograd.grad(score, seen[layer], allow_unused=True)[0]
    return gradient is not None and bool(axes.to_grid(gradient).any())


def _plainest(model: Model, pictures: torch.Tensor, layer: str) -> str:
    """Of the layers that give the same output, the one whose name says most: no mere wrapper, no part of another."""
    shape = model.layer(layer).shape
    same = [info for info in model.layers() if info.shape == shape]
    with torch.no_grad():
        seen = trace(model, pictures, [name for info in same for name in info.names], logits=False)
    equal = [(info, name) for info in same for name in info.names if torch.equal(seen[name], seen[layer])]
    plain = [(info, name) for info, name in equal if info.kind not in _WRAPPERS] or equal
    return min(plain, key=lambda each: (each[1].count("."), each[0].leaf))[1]

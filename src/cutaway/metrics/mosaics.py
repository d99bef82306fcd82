"""Mosaics: several pictures side by side in one, so that where the evidence for a class lies is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cutaway.core.errors import DataError, OptionError
from cutaway.core.seeds import generator
from cutaway.core.types import Pictures

CHUNK = 16  # mosaics laid out at once


@dataclass(frozen=True)
class Mosaics:
    """n plans: which picture lies in which cell, which class is asked about, and in which cells it is."""

    cells: Int[Tensor, "n rows columns"]
    target: Int[Tensor, " n"]
    right: Bool[Tensor, "n rows columns"]

    def __len__(self) -> int:
        return len(self.target)

    def laid(self, pictures: Pictures, chunk: int | None = None) -> Iterator[tuple[Pictures, Tensor, Tensor]]:
        """A few mosaics at a time: (pictures, targets, 1 where the right cells are)."""
        height, width = pictures.shape[-2:]
        for rows in torch.arange(len(self)).split(chunk or CHUNK):
            laid = rearrange(pictures[self.cells[rows]], "n a b c h w -> n c (a h) (b w)")
            right = self.right[rows].repeat_interleave(height, 1).repeat_interleave(width, 2)
            yield laid, self.target[rows], right.to(laid)


def focus_mosaics(labels: Int[Tensor, " pictures"], n: int, seed: int = 0) -> Mosaics:
    """2 x 2: two pictures of one class and two of two other classes, in random places."""
    groups, twice = _groups(labels, least=1, classes=3), _groups(labels, least=2, classes=1)
    draw = generator(seed, "focus")
    plans = []
    for _ in range(n):
        target = _drawn(torch.tensor(sorted(twice)), 1, draw)[0]
        others = _drawn(torch.tensor([label for label in sorted(groups) if label != target]), 2, draw)
        own = _drawn(groups[target], 2, draw)
        cells = torch.tensor([*own, *(_drawn(groups[other], 1, draw)[0] for other in others)])
        order = torch.randperm(4, generator=draw)
        plans.append((cells[order].view(2, 2), target, (order < 2).view(2, 2)))
    return _stacked(plans)


def grid_mosaics(labels: Int[Tensor, " pictures"], n: int, side: int = 3, seed: int = 0) -> Mosaics:
    """side x side pictures of as many classes; the class of one of them is asked about."""
    if side < 2:
        raise OptionError(f"a side of {side}; expected at least 2 cells; try 3")
    groups = _groups(labels, least=1, classes=side * side)
    draw = generator(seed, "grid")
    plans = []
    for _ in range(n):
        classes = _drawn(torch.tensor(sorted(groups)), side * side, draw)
        cells = torch.tensor([_drawn(groups[each], 1, draw)[0] for each in classes])
        right = torch.arange(side * side) == int(torch.randint(side * side, (1,), generator=draw))
        plans.append((cells.view(side, side), classes[int(right.int().argmax())], right.view(side, side)))
    return _stacked(plans)


def resized(pictures: Pictures, cell: int | None) -> Float[Tensor, "batch channels rows columns"]:
    """The pictures at the size of a cell (pixels a side); as they are for None."""
    if cell is None or pictures.shape[-2:] == (cell, cell):
        return pictures
    if cell < 4:
        raise OptionError(f"a cell of {cell} pixels; expected at least 4")
    return F.interpolate(pictures, size=(cell, cell), mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)


def _groups(labels: Tensor, least: int, classes: int) -> dict[int, Tensor]:
    """Class -> its pictures, for classes with enough of them. A DataError where there are too few."""
    counted = {int(each): (labels == each).nonzero()[:, 0] for each in labels.unique()}
    found = {label: which for label, which in counted.items() if len(which) >= least}
    if len(found) < classes:
        raise DataError(
            f"{len(labels)} pictures with {len(found)} classes of at least {least}; expected {classes} such "
            "for a mosaic; try more pictures"
        )
    return found


def _drawn(values: Tensor, count: int, draw: torch.Generator) -> list[int]:
    order = torch.randperm(len(values), generator=draw)[:count]
    chosen: list[int] = values[order].tolist()
    return chosen


def _stacked(plans: list[tuple[Tensor, int, Tensor]]) -> Mosaics:
    if not plans:
        raise OptionError("0 mosaics; expected at least 1; try n=100")
    cells, targets, right = zip(*plans, strict=True)
    return Mosaics(torch.stack(cells), torch.tensor(targets), torch.stack(right))

"""Coordinates: for every number in a tensor, where in the picture it comes from and how far it can see.

They have the tensor's own shape, move as its numbers move, and combine as its numbers combine. An axis along which
they do not vary has stride 0, and is computed with as if it had length 1: that makes them small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

NOWHERE = float("nan")
NOTHING = float("-inf")
Sides: TypeAlias = "int | Sequence[int]"
"""One number for both sides of a window, or (height, width)."""

LOCAL = 0.75
"""A number that sums up more than this share of the picture's height (or width) lies nowhere along it."""


@dataclass(frozen=True)
class Coordinates:
    """places: (sample, y, x), y and x as shares of the picture in [0, 1]; NaN = nowhere (a class token, a global mean).
    reach: (-top, -left, bottom, right) in pixels of all that it can depend on; -inf = on nothing in the picture."""

    places: tuple[Tensor, ...]
    reach: tuple[Tensor, ...]

    @property
    def shape(self) -> torch.Size:
        return self.places[0].shape

    def map(self, move: Callable[[Tensor], Tensor]) -> Coordinates:
        """The coordinates of the same numbers elsewhere."""
        return Coordinates(tuple(map(move, self.places)), tuple(map(move, self.reach)))

    def each(self, place: Callable[[Tensor], Tensor], reach: Callable[[Tensor], Tensor]) -> Coordinates:
        """New coordinates, places by one rule and reach by another."""
        return Coordinates(tuple(map(place, self.places)), tuple(map(reach, self.reach)))

    def expand(self, *shape: int) -> Coordinates:
        return self.map(lambda t: t.expand(*shape))


def of_pictures(pictures: Tensor) -> Coordinates:
    """The coordinates of the pixels themselves, of pictures (batch, channels, height, width)."""
    batch, _, height, width = pictures.shape

    def along(values: Tensor, axis: int) -> Tensor:
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        return values.reshape(shape).expand(pictures.shape)

    rows, columns = torch.arange(height, dtype=torch.float32), torch.arange(width, dtype=torch.float32)
    places = along(torch.arange(batch, dtype=torch.float32), 0), along((rows + 0.5) / height, 2)
    reach = along(-rows, 2), along(-columns, 3), along(rows + 1, 2), along(columns + 1, 3)
    return Coordinates((*places, along((columns + 0.5) / width, 3)), reach).map(lambda t: t.to(pictures.device))


def nothing_like(values: Tensor) -> Coordinates:
    """Coordinates of numbers that do not come from the picture; they can be written to."""
    places = tuple(torch.full(values.shape, NOWHERE, device=values.device) for _ in range(3))
    return Coordinates(places, tuple(torch.full(values.shape, NOTHING, device=values.device) for _ in range(4)))


def joined(parts: Sequence[Coordinates], shape: torch.Size) -> Coordinates:
    """Numbers combined one by one: their mean place, everything that any of them sees."""
    first, *others = (part.map(short) for part in parts)
    for other in others:
        places = tuple(map(_between, first.places, other.places))
        first = Coordinates(places, tuple(map(torch.maximum, first.reach, other.reach)))
    return first.expand(*shape)


def first_or_second(first: Coordinates, second: Coordinates, shape: torch.Size) -> Coordinates:
    """Numbers combined that lie where the first do, or where the second do if the first all lie nowhere."""
    one, two = first.map(short), second.map(short)
    places = tuple(b if bool(a.isnan().all()) else a for a, b in zip(one.places, two.places, strict=True))
    return Coordinates(places, tuple(map(torch.maximum, one.reach, two.reach))).expand(*shape)


def side_by_side(parts: Sequence[Coordinates], axis: int) -> Coordinates:
    """Numbers laid one after the other along an axis."""
    columns = zip(*((*part.places, *part.reach) for part in parts), strict=True)
    joined_ = [_concatenated(column, axis % len(parts[0].shape)) for column in columns]
    return Coordinates(tuple(joined_[:3]), tuple(joined_[3:]))


def summed(these: Coordinates, axes: Sequence[int]) -> Coordinates:
    """Numbers combined along axes, which stay with length 1."""
    axes = [axis % len(these.shape) for axis in axes]
    rest = [1 if axis in axes else length for axis, length in enumerate(these.shape)]
    small = these.map(short)
    return small.each(lambda t: _mean(t, axes), lambda t: t.amax(dim=axes, keepdim=True)).expand(*rest)


def windows(
    these: Coordinates, size: Sides, stride: Sides = (), padding: Sides = 0, dilation: Sides = 1, ceil: bool = False
) -> Coordinates:
    """Numbers combined within windows of the last two axes; what pads the border is nowhere and sees nothing."""
    window = [_pair(each) for each in (size, stride or size, padding, dilation)]
    high_wide, step, _, apart = window
    ones = torch.ones(1, 1, *high_wide, device=these.places[0].device)
    last = (len(these.shape) - 2, len(these.shape) - 1)
    small = these.map(lambda t: short(t, keep=last))

    def place(t: Tensor) -> Tensor:
        grid = _padded(t.reshape(-1, 1, *t.shape[-2:]), window, ceil, None)
        known = ~grid.isnan()
        total, count = (F.conv2d(x, ones, stride=step, dilation=apart) for x in (grid.nan_to_num(0.0), known.float()))
        mean = torch.where(count > 0, total / count, NOWHERE)
        return mean.reshape(*t.shape[:-2], *mean.shape[-2:])

    def reach(t: Tensor) -> Tensor:
        grid = _padded(t.reshape(-1, 1, *t.shape[-2:]), window, ceil, NOTHING)
        seen = F.max_pool2d(grid, high_wide, stride=step, dilation=apart)
        return seen.reshape(*t.shape[:-2], *seen.shape[-2:])

    made = small.each(place, reach)
    return made.expand(*these.shape[:-2], *made.shape[-2:])


def short(t: Tensor, keep: Sequence[int] = ()) -> Tensor:
    """The tensor with length 1 along the axes where it does not vary, but for those to keep."""
    for axis, (length, stride) in enumerate(zip(t.shape, t.stride(), strict=True)):
        if stride == 0 and length > 1 and axis not in keep:
            t = t.narrow(axis, 0, 1)
    return t


def _between(one: Tensor, other: Tensor) -> Tensor:
    if one is other:
        return one
    return torch.where(one.isnan(), other, torch.where(other.isnan(), one, (one + other) / 2))


def _mean(t: Tensor, axes: list[int]) -> Tensor:
    known = ~t.isnan()
    mean = t.nan_to_num(0.0).sum(dim=axes, keepdim=True) / known.sum(dim=axes, keepdim=True)
    low = torch.where(known, t, float("inf")).amin(dim=axes, keepdim=True)
    high = torch.where(known, t, NOTHING).amax(dim=axes, keepdim=True)
    return torch.where(high - low > LOCAL, NOWHERE, mean)


def _concatenated(parts: Sequence[Tensor], axis: int) -> Tensor:
    small = [short(part) for part in parts]
    if all(part.shape[axis] == 1 and _alike(part, small[0]) for part in small):  # as channels beside channels are
        total = sum(part.shape[axis] for part in parts)
        return small[0].expand(*parts[0].shape[:axis], total, *parts[0].shape[axis + 1 :])
    small = [short(part, keep=[axis]) for part in parts]
    common = [max(lengths) for lengths in zip(*(part.shape for part in small), strict=True)]
    wide = [part.expand(*common[:axis], part.shape[axis], *common[axis + 1 :]) for part in small]
    whole = torch.cat(wide, dim=axis)
    return whole.expand(*parts[0].shape[:axis], -1, *parts[0].shape[axis + 1 :])


def _alike(one: Tensor, other: Tensor) -> bool:
    return one is other or (one.shape == other.shape and bool(((one == other) | (one.isnan() & other.isnan())).all()))


def _padded(t: Tensor, window: Sequence[tuple[int, int]], ceil: bool, fill: float | None) -> Tensor:
    """The grid with its border, and with what a window that hangs over its far edges needs where `ceil` lets it.

    fill=None goes on in even steps, so that a window at the border lies where its middle is.
    """
    for axis in (0, 1):
        size, stride, padding, dilation = (both[axis] for both in window)
        extent = dilation * (size - 1) + 1
        over = -(t.shape[2 + axis] + 2 * padding - extent) % stride if ceil else 0
        if over > extent - 1 - padding:  # a window must begin inside the grid or its near border
            over = 0
        t = _bordered(t, 2 + axis, padding, padding + over, fill)
    return t


def _bordered(t: Tensor, axis: int, before: int, after: int, fill: float | None) -> Tensor:
    shape = [1] * t.ndim
    shape[axis] = -1
    first, last = t.narrow(axis, 0, 1), t.narrow(axis, -1, 1)
    step = (last - first) / max(1, t.shape[axis] - 1)
    near = first + step * torch.arange(-before, 0, device=t.device).reshape(shape)
    far = last + step * torch.arange(1, after + 1, device=t.device).reshape(shape)
    if fill is not None:
        near, far = torch.full_like(near, fill), torch.full_like(far, fill)
    return torch.cat([near, t, far], dim=axis)


def _pair(value: Sides) -> tuple[int, int]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return (values[0], values[0]) if len(values) == 1 else (values[0], values[1])

"""Layout: which axes of a layer's output are channels and places, so that every unit can be laid on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import LayerError
from cutaway.trace.coordinates import Coordinates, short

Axes = Literal[
    "channels height width", "height width channels", "tokens channels", "channels tokens", "channels",
    "places channels", "channels places",
]  # fmt: skip
"""After the batch axis. In the last two the places of a picture are spread over several axes, the batch axis too."""


@dataclass(frozen=True)
class Layout:
    """The axes of one layer's output (after the batch axis), its channels and its grid of places.

    `prefix` counts the tokens before the grid (class and register tokens), which belong to no place. `order` says at
    which of the layer's own positions each place of the grid is found, row by row, where that is not simply in turn.
    """

    axes: Axes
    channels: int
    grid: tuple[int, int]
    prefix: int = 0
    order: tuple[int, ...] | None = None
    positions: int = 1

    @property
    def channel_axis(self) -> int:
        """The axis of the channels in a batched output."""
        return 1 if self.axes.startswith("channels") else -1

    @property
    def spatial(self) -> bool:
        """Whether there is more than one place."""
        return self.grid != (1, 1)

    def to_grid(self, output: Tensor) -> Float[Tensor, "batch channels height width"]:
        """The output laid out as channels over a grid of places; a vector becomes a grid of one place.

        Tokens and windows have to come from inputs of the size for which the layout was found.
        """
        match self.axes:
            case "channels height width":
                return output
            case "height width channels":
                return rearrange(output, "b h w c -> b c h w")
            case "channels":
                return output[:, :, None, None]
            case "tokens channels" if self.order is None:
                return rearrange(output[:, self.prefix :], "b (h w) c -> b c h w", h=self.grid[0])
        places = output.movedim(self.channel_axis, -1).reshape(-1, self.positions, self.channels)
        chosen = places[:, torch.tensor(self.order or range(self.positions), device=output.device)]
        return rearrange(chosen, "b (h w) c -> b c h w", h=self.grid[0])

    def from_grid(self, values: Float[Tensor, "batch channels height width"], like: Tensor) -> Tensor:
        """The way back: a tensor of the shape of an output, with these values at its places and zeros elsewhere.

        Tokens that belong to no place are zero, so that what is added or taken away changes the places alone.
        """
        match self.axes:
            case "channels height width":
                return values
            case "height width channels":
                return rearrange(values, "b c h w -> b h w c")
            case "channels":
                return values[:, :, 0, 0]
        turned = like.movedim(self.channel_axis, -1)
        places = turned.new_zeros(len(values), turned.numel() // (len(values) * self.channels), self.channels)
        order = self.order or range(self.prefix, self.prefix + self.grid[0] * self.grid[1])
        places[:, torch.tensor(order, device=like.device)] = rearrange(values, "b c h w -> b (h w) c").to(places)
        return places.reshape(turned.shape).movedim(-1, self.channel_axis)


def layout_from(found: Coordinates | None, shape: torch.Size, batch: int) -> Layout | None:
    """The layout of an output of that shape whose numbers lie at these coordinates; None where there is none."""
    if len(shape) < 2:
        return None
    if len(shape) == 2 and shape[0] == batch:
        return Layout("channels", shape[1], (1, 1))
    if len(shape) == 4 and shape[0] == batch and tuple(shape[2:]) == (1, 1):
        return Layout("channels height width", shape[1], (1, 1))
    if found is None:
        return None
    for axis in (1, len(shape) - 1):
        made = _with_channels_along(axis, found, shape, batch)
        if made is not None:
            return made
    return None


def axes_of(found: Coordinates | None, shape: torch.Size, batch: int) -> str:
    """The axes in words, for an error: `(batch, 3, places 196, 64)`."""
    words = ["batch" if shape[0] == batch else f"{shape[0]} for {batch} pictures"]
    for axis, length in enumerate(shape[1:], start=1):
        places = found is not None and any(_varies(t, axis) for t in found.places[1:])
        words.append(f"{length} places" if places else str(length))
    return f"({', '.join(words)})"


def _with_channels_along(axis: int, found: Coordinates, shape: torch.Size, batch: int) -> Layout | None:
    """The layout if that axis holds the channels and all others the places of the pictures, picture by picture."""
    sample, y, x = (_middle(t, axis) for t in found.places)
    if sample.numel() % batch:
        return None
    sample, y, x = (t.reshape(batch, -1) for t in (sample, y, x))
    positions = sample.shape[1]
    picture = torch.arange(batch, device=sample.device)[:, None]
    if not ((sample == picture) | sample.isnan()).all() or (sample.isnan().all() and shape[0] != batch):
        return None
    if positions == 1:
        return Layout(_named(axis, shape, (1, 1), natural=True), shape[axis], (1, 1), positions=1)
    grid, order = _grid(y[0], x[0])
    if not order or _spread(found.places[1], axis) > 1 / grid[0] or _spread(found.places[2], axis) > 1 / grid[1]:
        return None
    prefix = int((y[0].isnan() | x[0].isnan()).long().cumprod(0).sum()) if len(shape) == 3 else 0
    natural = shape[0] == batch and order == list(range(prefix, positions))
    axes = _named(axis, shape, grid, natural)
    plain = natural and axes not in ("channels places", "places channels")
    return Layout(
        axes, shape[axis], grid, prefix, None if plain and not (prefix and axis == 1) else tuple(order), positions
    )


def _grid(y: Tensor, x: Tensor) -> tuple[tuple[int, int], list[int]]:
    """The grid that the positions fill without gap or repetition, and the position of each of its places."""
    one_row, one_column = bool(y.isnan().all()), bool(x.isnan().all())
    if one_row and one_column:
        return (1, 1), []
    y, x = (torch.zeros_like(t) if t.isnan().all() else t for t in (y, x))
    placed = (~(y.isnan() | x.isnan())).nonzero()[:, 0]
    rows, row = _steps(y[placed])
    columns, column = _steps(x[placed])
    cell = row * columns + column
    if rows * columns != len(placed) or len(cell.unique()) != len(placed):
        return (rows, columns), []
    return (rows, columns), list(map(int, placed[cell.argsort()]))


def _steps(values: Tensor, tolerance: float = 1e-4) -> tuple[int, Tensor]:
    """How many different values there are, and which one each is."""
    ordered, where = values.sort()
    step = torch.cat([ordered.new_zeros(1), (ordered.diff() > tolerance).to(ordered.dtype)]).cumsum(0).long()
    which = torch.empty_like(step)
    which[where] = step
    return (int(step[-1]) + 1 if len(step) else 0), which


def _named(axis: int, shape: torch.Size, grid: tuple[int, int], natural: bool) -> Axes:
    first = axis == 1
    if len(shape) == 4 and natural and tuple(shape[2:] if first else shape[1:3]) == grid:
        return "channels height width" if first else "height width channels"
    if len(shape) == 3 and (natural or shape[0] == 0):
        return "channels tokens" if first else "tokens channels"
    return "channels places" if first else "places channels"


def _middle(t: Tensor, axis: int) -> Tensor:
    small = short(t)
    rest = [length for other, length in enumerate(t.shape) if other != axis]
    return small.nanmean(dim=axis).expand(rest)


def _spread(t: Tensor, axis: int) -> float:
    """How far the places of one position's channels lie apart."""
    if t.stride(axis) == 0:
        return 0.0
    t = short(t, keep=[axis])
    low = t.nan_to_num(float("inf")).amin(axis)
    apart = t.nan_to_num(float("-inf")).amax(axis) - low
    return float(apart.clamp(min=0).max())


def _varies(t: Tensor, axis: int) -> bool:
    return _spread(t, axis) > 1e-4


def error(layer: str, name: str, axes: str) -> LayerError:
    return LayerError(
        f'layer "{layer}" of {name} has an output with axes {axes}; expected channels over the places of a grid; '
        "try another layer"
    )

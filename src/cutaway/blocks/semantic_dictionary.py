"""The semantic dictionary: places of a picture, each spelled in the channels that fire there most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float
from torch import Tensor

from cutaway.blocks.drawn import Drawn
from cutaway.blocks.icons import STEPS, icons
from cutaway.blocks.places import check_grid, on_grid, one_picture, raster_of, strongest_places
from cutaway.core.errors import OptionError
from cutaway.data.pictures import Source
from cutaway.nets.model import Model
from cutaway.report.drawing import Raster, bar, beside, mark, resize, stacked

_ROW = 96  # pixels


@dataclass(frozen=True)
class Entry:
    """One place and the channels that fire there most, strongest first, with their activations.

    strength: norm of the activation vector there, as a share of the strongest place's.
    """

    row: int
    column: int
    strength: float
    channels: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class SemanticDictionary(Drawn):
    """Every place of one picture, row by row, spelled in the channels of one layer.

    picture: as the network sees it. chosen: the places that were asked for, which are drawn first.
    icons: what the channels of the chosen and of the strongest places look for.
    """

    layer: str
    grid: tuple[int, int]
    entries: tuple[Entry, ...]
    picture: Raster
    chosen: tuple[tuple[int, int], ...] = ()
    icons: Mapping[int, Raster] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        """What the picture shows."""
        return f"semantic dictionary of {self.layer}"

    def at(self, row: int, column: int) -> Entry:
        """The entry of one place; an OptionError where the grid has no such place."""
        if not (0 <= row < self.grid[0] and 0 <= column < self.grid[1]):
            raise OptionError(
                f"no place ({row}, {column}) in {self.layer}; expected a row from 0 to {self.grid[0] - 1} and a column "
                f"from 0 to {self.grid[1] - 1}"
            )
        return self.entries[row * self.grid[1] + column]

    def strongest(self, count: int) -> list[Entry]:
        """The places that excite the layer most, strongest first, none beside a stronger one."""
        strength = np.array([entry.strength for entry in self.entries]).reshape(self.grid)
        return [self.entries[row * self.grid[1] + column] for row, column in strongest_places(strength, count)]

    def place(self, entry: Entry) -> Raster:
        """The picture with the entry's place framed."""
        return mark(self.picture, entry.row, entry.column, self.grid)

    def draw(self, count: int = 6) -> Raster:
        """One row per chosen place (else the strongest): where it is, then its channels above bars of activation."""
        shown = [self.at(*place) for place in self.chosen] or self.strongest(count)
        most = max((abs(value) for entry in shown for value in entry.values), default=0.0) or 1.0
        return stacked([beside([resize(self.place(entry), _ROW, _ROW), *self._words(entry, most)]) for entry in shown])

    def _words(self, entry: Entry, most: float) -> list[Raster]:
        return [
            stacked([resize(self.icons[channel], _ROW, _ROW), bar(value / most, _ROW)], gap=0)
            for channel, value in zip(entry.channels, entry.values, strict=True)
            if channel in self.icons
        ]


def semantic_dictionary(
    model: Model,
    picture: Source,
    layer: str,
    k: int = 4,
    *,
    at: Sequence[tuple[int, int]] = (),
    visualize: int = 6,
    steps: int = STEPS,
    seed: int = 0,
) -> SemanticDictionary:
    """The k channels that fire most at each place of a layer's grid.

    at: places (row, column) of the grid whose channels get icons, beside those of the `visualize` strongest places.
    steps: of each icon.
    Olah et al. 2018, "The Building Blocks of Interpretability".
    """
    if k < 1:
        raise OptionError(f"k is {k}; expected at least 1 channel for each place")
    grid = check_grid(model, layer)
    pictures = one_picture(model, picture)
    values = on_grid(model, pictures, layer).cpu()
    strength = values.norm(dim=0).double().numpy()
    found = SemanticDictionary(
        layer=layer,
        grid=grid,
        entries=tuple(_entry(values, strength, row, column, k) for row, column in np.ndindex(*grid)),
        picture=raster_of(pictures),
        chosen=tuple((int(row), int(column)) for row, column in at),
    )
    shown = [*(found.at(*place) for place in found.chosen), *found.strongest(visualize)]
    words = [channel for entry in shown for channel in entry.channels]
    return replace(found, icons=icons(model, layer, words, steps=steps, seed=seed))


def _entry(
    values: Float[Tensor, "channels rows columns"],
    strength: Float[np.ndarray, "rows columns"],
    row: int,
    column: int,
    k: int,
) -> Entry:
    there = values[:, row, column]
    order = there.argsort(descending=True, stable=True)[:k]
    return Entry(
        row=row,
        column=column,
        strength=float(strength[row, column] / (strength.max() or 1.0)),
        channels=tuple(order.tolist()),
        values=tuple(there[order].tolist()),
    )

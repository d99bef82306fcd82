"""The Visualization: pictures, what they score, and how they came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from cutaway.core.cache import write_atomically
from cutaway.core.types import Pictures
from cutaway.report.drawing import png, tile, to_html, to_raster

COLUMNS = 8


@dataclass(frozen=True)
class Visualization:
    """What raises some objectives most.

    pictures: (pictures, channels, size, size) in [0, 1], on the CPU.
    scores: each objective's value for its picture as it is: no transform, no regularizer, float32.
    history: its value in each step, under that step's transform and at the precision of the optimisation.
    names: the objectives in words. notes: for each picture what should be known of it, or nothing.
    """

    pictures: Pictures
    scores: Float[Tensor, " pictures"]
    history: Float[Tensor, "pictures steps"]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, columns: int = COLUMNS) -> UInt8[np.ndarray, "height width 3"]:
        """All pictures on one sheet, row by row."""
        rasters = [to_raster(picture.numpy()) for picture in self.pictures]
        rows = [rasters[start : start + columns] for start in range(0, len(rasters), columns)]
        return tile(rows, self.pictures.shape[-1], gap=4)

    def save(self, folder: str | PathLike[str]) -> list[Path]:
        """Each picture as a PNG named after its objective, and all on one `sheet.png`."""
        paths = [Path(folder) / f"{name}.png" for name in _file_names(self.names)]
        rasters = [to_raster(picture.numpy()) for picture in self.pictures]
        for path, raster in zip([*paths, Path(folder) / "sheet.png"], [*rasters, self.draw()], strict=True):
            write_atomically(path, partial(Path.write_bytes, data=png(raster)))
        return paths

    def _repr_html_(self) -> str:
        return to_html(self.draw(), ", ".join(self.names))


def _file_names(names: Sequence[str]) -> list[str]:
    """Letters, digits, dots and dashes of each name, with its number in front where names would fall together."""
    kept = ["".join(c if (c.isalnum() and c.isascii()) or c in ".-" else "_" for c in name)[:80] for name in names]
    clear = len(set(kept)) == len(kept) and all(name.strip("._") for name in kept)
    return kept if clear else [f"{index:04d}_{name}" for index, name in enumerate(kept)]

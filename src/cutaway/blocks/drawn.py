"""Drawn: what every building block can do: draw itself, show itself in a notebook, be saved as a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from os import PathLike
from pathlib import Path

from cutaway.core.cache import write_atomically
from cutaway.report.drawing import Raster, png, to_html


class Drawn(ABC):
    """A block that is one picture to a reader, and plain numbers to a program."""

    @abstractmethod
    def draw(self) -> Raster:
        """The block as one picture."""

    @property
    @abstractmethod
    def caption(self) -> str:
        """What the picture shows, for those who do not see it."""

    def save(self, path: str | PathLike[str]) -> Path:
        """Draw it into a PNG file, and say where that is."""
        write_atomically(Path(path), partial(Path.write_bytes, data=png(self.draw())))
        return Path(path)

    def _repr_html_(self) -> str:
        return to_html(self.draw(), self.caption)

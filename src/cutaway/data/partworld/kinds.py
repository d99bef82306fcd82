"""What a kind of part is: an outline, the box that holds it, and the lines engraved on it.

A kind's frame has its origin where the part is attached, x to the front (right), y down, in units of the object's size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cutaway.data.partworld.shapes import Field

Outline = Callable[[Field, Field], Field]


@dataclass(frozen=True)
class Kind:
    """One shape variant: signed distance, bounds (left, top, right, bottom), distance to its lines, pattern repeat."""

    outline: Outline
    bounds: tuple[float, float, float, float]
    lines: Outline | None = None
    period: float = 0.07

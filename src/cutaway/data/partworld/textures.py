"""What is painted on a part: the share of the second tone at each place of the part's own frame, in [0, 1].

`period` is the pattern's repeat and `pixel` a pixel's width in the same units, over which edges are softened.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cutaway.data.partworld.shapes import Field

Texture = Callable[[Field, Field, float, float], Field]


def _inked(distance: Field, pixel: float) -> Field:
    share = distance * (-1 / pixel)
    share += 0.5
    np.maximum(share, 0, out=share)
    return np.minimum(share, 1, out=share)


def _wave(along: Field, period: float) -> Field:
    """The distance to the nearest multiple of the period."""
    cell = along * (1 / period)
    cell -= np.round(cell)
    np.abs(cell, out=cell)
    cell *= period
    return cell


def striped(x: Field, y: Field, period: float, pixel: float) -> Field:
    """Slanted stripes."""
    return _inked(_wave(0.8 * x + 0.6 * y, period) - 0.24 * period, pixel)


def spotted(x: Field, y: Field, period: float, pixel: float) -> Field:
    """Round dots on a turned grid."""
    u, v = _wave(0.94 * x + 0.34 * y, period), _wave(0.94 * y - 0.34 * x, period)
    return _inked(np.sqrt(u * u + v * v) - 0.30 * period, pixel)


def checked(x: Field, y: Field, period: float, pixel: float) -> Field:
    """A chequerboard."""
    side = 2 * period
    u, v = _wave(x + y, side) - 0.25 * side, _wave(x - y, side) - 0.25 * side
    near = np.minimum(np.abs(u), np.abs(v))
    return _inked(np.sign(u * v) * near, pixel)


TEXTURES: dict[str, Texture | None] = {"plain": None, "striped": striped, "spotted": spotted, "checked": checked}

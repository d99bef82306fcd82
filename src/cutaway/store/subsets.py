"""Subsets drawn by hand: the points of a projection inside a lasso."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64


def inside_lasso(
    points: Float[np.ndarray, "n 2"], lasso: Sequence[tuple[float, float]] | Float[np.ndarray, "corners 2"]
) -> Int64[np.ndarray, " m"]:
    """The numbers of the points inside a closed polygon (even-odd rule); points of NaN are in none."""
    corners = np.asarray(lasso, dtype=float)
    inside = np.zeros(len(points), dtype=bool)
    x, y = points[:, 0].astype(float), points[:, 1].astype(float)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        if y0 != y1:
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return np.flatnonzero(inside & ~np.isnan(x))

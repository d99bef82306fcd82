"""What a segment looks like, in words that a program can measure: form, colour and texture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.78, 0.16, 0.16),
    "orange": (0.92, 0.52, 0.14),
    "yellow": (0.93, 0.83, 0.22),
    "green": (0.27, 0.55, 0.24),
    "blue": (0.22, 0.38, 0.75),
    "purple": (0.50, 0.27, 0.62),
    "pink": (0.92, 0.56, 0.70),
    "brown": (0.45, 0.30, 0.18),
    "white": (0.93, 0.93, 0.92),
    "black": (0.12, 0.12, 0.13),
    "grey": (0.55, 0.55, 0.55),
}
ROUND, LONG, VERY_LONG = 1.5, 3.0, 6.0  # ratios of the axes of a form
FULL, LOBED = 0.88, 0.70  # how much of its convex hull a form fills
BOWED = 0.06  # how far the middle line of a long form strays from straight, of its length
ROUGH = 0.10  # spread of the lightness from which on a surface is patterned


@dataclass(frozen=True)
class Look:
    """One segment in words: its form, colour and texture."""

    form: str
    colour: str
    texture: str


def look(picture: Float[np.ndarray, "3 height width"], mask: Bool[np.ndarray, "height width"]) -> Look:
    """What a segment looks like; an empty mask is a "speck"."""
    if mask.sum() < 4:
        return Look("speck", "grey", "plain")
    pixels = picture[:, mask]
    return Look(form(mask), colour(np.median(pixels, axis=1)), texture(pixels))


def colour(rgb: Float[np.ndarray, 3]) -> str:
    """The name of the nearest of eleven colours."""
    return min(COLOURS, key=lambda name: float(np.linalg.norm(np.asarray(COLOURS[name]) - rgb)))


def texture(pixels: Float[np.ndarray, "3 n"]) -> str:
    """Whether a surface is of one tone."""
    lightness = pixels.mean(axis=0)
    spread = float(np.percentile(lightness, 90) - np.percentile(lightness, 10)) / 2
    return "patterned" if spread > ROUGH else "plain"


def form(mask: Bool[np.ndarray, "height width"]) -> str:
    """A form in words: how many pieces, how long, how it stands, how it is bent, how full."""
    pieces, count = ndimage.label(mask, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    large = [index + 1 for index, size in enumerate(sizes) if size >= 0.2 * sizes.max()]
    if len(large) >= 2:
        return "paired_pieces" if len(large) == 2 else "several_pieces"
    main = pieces == large[0] if count else mask
    ratio, angle = _axes(main)
    filled = float(main.sum()) / max(_hull_area(main), 1.0)
    holes = float(ndimage.binary_fill_holes(main).sum() - main.sum()) / float(main.sum())
    if holes > 0.08:
        return "ring"
    if ratio >= LONG:
        return f"{_stance(angle)}_{'bowed' if _bend(main, angle) > BOWED else 'straight'}_bar"
    if filled < LOBED:
        return "branched_form"
    if filled < FULL:
        return "lobed_form"
    return "compact_form" if ratio < ROUND else f"{_stance(angle)}_oblong"


def _axes(mask: Bool[np.ndarray, "height width"]) -> tuple[float, float]:
    """The ratio of the axes of inertia, and the angle of the long one to the level, in [0, 90] degrees."""
    rows, columns = np.nonzero(mask)
    spread = np.cov(np.stack([columns, rows])) + np.eye(2) / 12  # a pixel is a square, not a point
    values, vectors = np.linalg.eigh(spread)
    x, y = np.abs(vectors[:, 1])
    return float(np.sqrt(values[1] / max(values[0], 1e-9))), float(np.degrees(np.arctan2(y, x)))


def _stance(angle: float) -> str:
    return "upright" if angle > 60 else "level" if angle < 30 else "slanted"


def _bend(mask: Bool[np.ndarray, "height width"], angle: float) -> float:
    """How far the middle of a long form strays from the line between its ends, as a share of its length."""
    along = mask if angle > 45 else mask.T
    lines = np.nonzero(along.any(axis=1))[0]
    middles = np.array([np.nonzero(along[line])[0].mean() for line in lines])
    if len(lines) < 5:
        return 0.0
    ends = np.interp(lines, [lines[0], lines[-1]], [middles[:2].mean(), middles[-2:].mean()])
    return float(np.abs(middles - ends).max() / len(lines))


def _hull_area(mask: Bool[np.ndarray, "height width"]) -> float:
    from skimage.morphology import convex_hull_image

    return float(convex_hull_image(mask).sum())

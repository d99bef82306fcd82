"""Signed distances to flat shapes: negative inside, positive outside, in the units of the coordinates.

Each function takes float32 coordinates of any one shape and returns distances of that shape. Distances are exact or
first-order right at the outline, which is what antialiasing (coverage = 1/2 - distance / pixel) needs.
Formulas: Inigo Quilez, "2D distance functions".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[Any]  # float32 of any shape; numpy's own types lose the 32 in most of its functions


def circle(x: Field, y: Field, radius: float) -> Field:
    """Distance to a circle about the origin."""
    distance: Field = np.sqrt(x * x + y * y)
    distance -= radius
    return distance


def ellipse(x: Field, y: Field, half_width: float, half_height: float) -> Field:
    """Distance to an ellipse about the origin, first-order right at its outline."""
    u, v = x * (1 / half_width), y * (1 / half_height)
    level: Field = np.sqrt(u * u + v * v)
    level += 1e-6  # the middle is inside too, where both level and slope vanish
    u *= 1 / half_width
    v *= 1 / half_height
    slope = np.sqrt(u * u + v * v)
    slope += 1e-6 / min(half_width, half_height)
    distance: Field = level * (level - 1) / slope
    return distance


def box(x: Field, y: Field, half_width: float, half_height: float, rounding: float = 0.0) -> Field:
    """Distance to an upright box about the origin whose corners have the radius `rounding`."""
    u, v = mirrored(x), mirrored(y)
    u -= half_width - rounding
    v -= half_height - rounding
    inside: Field = np.minimum(np.maximum(u, v), 0)
    np.maximum(u, 0, out=u)
    np.maximum(v, 0, out=v)
    inside += np.sqrt(u * u + v * v)
    inside -= rounding
    return inside


def capsule(x: Field, y: Field, start: tuple[float, float], end: tuple[float, float], radius: float) -> Field:
    """Distance to a thick line with round ends."""
    along, across = end[0] - start[0], end[1] - start[1]
    u, v = x - start[0], y - start[1]
    share = np.clip((u * along + v * across) * (1 / (along * along + across * across)), 0, 1)
    return circle(u - share * along, v - share * across, radius)


def taper(x: Field, y: Field, length: float, start: float, end: float) -> Field:
    """Distance to a cone along +x from the origin, its half-width going from `start` to `end`, round at both ends."""
    lean = (start - end) / length
    upright = math.sqrt(1 - lean * lean)
    v = mirrored(y)
    along = np.clip((x - v * (lean / upright)) * (1 / length), 0, 1)
    distance = circle(x - along * length, v, start)
    distance += along * (start - end)
    return distance


def lens(x: Field, y: Field, length: float, half_width: float) -> Field:
    """Distance to a leaf shape along +x: two arcs that meet in points at the origin and at (length, 0)."""
    half = length / 2
    radius = (half * half + half_width * half_width) / (2 * half_width)
    v = mirrored(y)
    v += radius - half_width
    return circle(x - half, v, radius)


def polygon(x: Field, y: Field, corners: Sequence[tuple[float, float]], rounding: float = 0.0) -> Field:
    """Distance to a convex polygon, corners clockwise on a screen (y down); a lower bound of it outside its corners."""
    distance: Field | None = None
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        dx, dy = x1 - x0, y1 - y0
        length = math.hypot(dx, dy)
        edge = x * (dy / length)
        edge -= y * (dx / length)
        edge += (y0 * dx - x0 * dy) / length
        distance = edge if distance is None else soft_max(distance, edge, rounding)
    assert distance is not None
    return distance


def bow(x: Field, y: Field, reach: float, amplitude: float, half_width: float) -> Field:
    """Distance to an endless upright stroke that swings out by `amplitude` between y = -reach and y = reach."""
    phase = np.minimum(mirrored(y), reach) * (math.pi / reach)
    away = x - (0.5 * amplitude) * (1 + np.cos(phase))
    slope = (0.5 * amplitude * math.pi / reach) * np.sin(phase)
    distance: Field = mirrored(away) / np.sqrt(1 + slope * slope)
    distance -= half_width
    return distance


def union(a: Field, b: Field) -> Field:
    """Distance to what lies in one shape or the other."""
    nearer: Field = np.minimum(a, b)
    return nearer


def intersection(a: Field, b: Field) -> Field:
    """Distance to what lies in both shapes."""
    farther: Field = np.maximum(a, b)
    return farther


def soft_max(a: Field, b: Field, rounding: float) -> Field:
    """Intersection with its corner rounded."""
    if rounding == 0:
        return intersection(a, b)
    blend = rounding - mirrored(a - b)
    np.maximum(blend, 0, out=blend)
    blend *= blend
    blend *= 1 / (4 * rounding)
    blend += np.maximum(a, b)
    return blend


def soft_min(a: Field, b: Field, rounding: float) -> Field:
    """Union with its crease filled."""
    return -soft_max(-a, -b, rounding)


def mirrored(x: Field) -> Field:
    """A coordinate with its negative side folded onto the positive: what is drawn on one side appears on both."""
    folded_over: Field = np.abs(x)
    return folded_over


def folded(x: Field, period: float) -> Field:
    """A coordinate folded into one period about 0: what is drawn once repeats for ever."""
    cell: Field = x * (1 / period)
    cell -= np.round(cell)
    cell *= period
    return cell


def turned(x: Field, y: Field, angle: float) -> tuple[Field, Field]:
    """Coordinates in a frame that is turned by `angle` (radians, clockwise on a screen)."""
    cos, sin = math.cos(angle), math.sin(angle)
    return x * cos + y * sin, y * cos - x * sin


def around(x: Field, y: Field, copies: int) -> tuple[Field, Field]:
    """Coordinates folded into one of `copies` equal sectors about the origin; the sector's middle is +x."""
    angle = folded(np.arctan2(y, x), 2 * math.pi / copies)
    radius = np.sqrt(x * x + y * y)
    return radius * np.cos(angle), radius * np.sin(angle)

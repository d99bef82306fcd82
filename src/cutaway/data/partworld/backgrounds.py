"""What lies behind everything: ten backgrounds, each a function of place alone, from eight numbers in [0, 1].

Fields are `(3, size, size)` float32 RGB. Landscapes are layers of ridges in front of a sky; walls are patterns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from cutaway.core.errors import choose
from cutaway.data.partworld.palette import Tone, mix
from cutaway.data.partworld.shapes import Field

Draws = Sequence[float]
WAVES = 12


@lru_cache(maxsize=32)
def _grid(size: int) -> tuple[Field, Field]:
    """Pixel centres: x as a row, y as a column, in [0, 1]."""
    centres = ((np.arange(size, dtype=np.float32) + 0.5) / size).astype(np.float32)
    return centres[None, :], centres[:, None]


@lru_cache(maxsize=64)
def _waves(size: int, frequency: float, stretch: float) -> tuple[Field, Field]:
    """Tables whose product is a sum of plane waves in many directions: smooth noise of one scale, at any size."""
    x, y = _grid(size)
    golden = math.pi * (3 - math.sqrt(5))
    angle = np.arange(WAVES, dtype=np.float32) * golden
    pace = frequency * 2 * math.pi * (0.6 + 0.8 * ((np.arange(WAVES) * 0.618) % 1)).astype(np.float32)
    across, down = pace * np.cos(angle), pace * np.sin(angle) * stretch
    rows = np.concatenate([np.cos(y * down), np.sin(y * down)], axis=1)
    columns = np.concatenate([np.cos(x.T * across), np.sin(x.T * across)], axis=1).T
    return np.ascontiguousarray(rows.astype(np.float32)), np.ascontiguousarray(columns.astype(np.float32))


def noise(size: int, frequency: float, shift: float, stretch: float = 1.0) -> Field:
    """Smooth noise of about unit variance; `shift` (in [0, 1]) picks one field, `stretch` > 1 flattens it sideways."""
    rows, columns = _waves(size, frequency, stretch)
    phase = 2 * math.pi * ((np.arange(WAVES) * (1.37 + 3.1 * shift) + 7.7 * shift) % 1)
    cos, sin = np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32)
    across, down = columns[:WAVES], columns[WAVES:]
    # cos(a + b + p) = cos(b)(cos(a)cos(p) - sin(a)sin(p)) - sin(b)(sin(a)cos(p) + cos(a)sin(p))
    turned = np.concatenate(
        [across * cos[:, None] - down * sin[:, None], -(down * cos[:, None] + across * sin[:, None])]
    )
    field: Field = rows @ turned
    field *= math.sqrt(2 / WAVES)
    return field


def _flat(size: int, tone: Tone) -> Field:
    return np.broadcast_to(np.array(tone, np.float32)[:, None, None], (3, size, size)).copy()


def _gradient(size: int, top: Tone, bottom: Tone) -> Field:
    _, y = _grid(size)
    first = np.array(top, np.float32)[:, None]
    column = first + (np.array(bottom, np.float32)[:, None] - first) * y[:, 0]
    return np.repeat(column[:, :, None], size, axis=2)


def _ramp(distance: Field, width: float) -> Field:
    """1 where the distance is negative, 0 where it is positive, linear over `width`."""
    share = distance * (-1 / width)
    share += 0.5
    np.maximum(share, 0, out=share)
    return np.minimum(share, 1, out=share)


def _paint(canvas: Field, share: Field, tone: Tone) -> None:
    colour = np.array(tone, np.float32)[:, None, None]
    canvas += share * (colour - canvas)


def _ridge(canvas: Field, height: float, swing: float, pace: float, draw: float, crest: Tone, foot: Tone) -> None:
    """One layer of land whose upper edge waves about `height`, lighter at the crest, with a soft shade above it."""
    size = canvas.shape[1]
    x, y = _grid(size)
    angle = 2 * math.pi * (pace * x + draw)
    edge = height + swing * (
        np.sin(angle) + 0.45 * np.sin(2.3 * angle + 9 * draw) + 0.2 * np.sin(4.1 * angle + 4 * draw)
    )
    below = edge - y
    top = max(int((height - 1.7 * swing - 0.06) * size), 0)
    below = below[top:]
    shade = np.exp(np.minimum(below * -26, 0)) * (below > 0)
    canvas[:, top:] *= 1 - 0.16 * shade
    share = _ramp(below, 1.2 / size)
    depth = np.minimum(-below * 2.2, 1)
    land = (
        np.array(crest, np.float32)[:, None, None]
        + depth * (np.array(foot, np.float32) - np.array(crest, np.float32)).astype(np.float32)[:, None, None]
    )
    canvas[:, top:] += share * (land - canvas[:, top:])


def _sun(canvas: Field, x0: float, y0: float, radius: float, tone: Tone, glow: float) -> None:
    size = canvas.shape[1]
    x, y = _grid(size)
    distance = np.sqrt((x - x0) ** 2 + (y - y0) ** 2) - radius
    _paint(canvas, glow * np.exp(np.minimum(distance * -7, 0)), tone)
    _paint(canvas, _ramp(distance, 1.2 / size), mix(tone, (1.0, 1.0, 1.0), 0.25))


def _clouds(canvas: Field, d: Draws, strength: float) -> None:
    size = canvas.shape[1]
    field = noise(size, 1.3, d[0], 2.2)
    field += 0.5 * noise(size, 3.4, d[1], 1.8)
    field -= 0.35
    share = np.minimum(np.maximum(field * 1.3, 0), 1)
    _paint(canvas, share * share * (3 - 2 * share) * strength, (1.0, 1.0, 1.0))


def meadow(size: int, d: Draws) -> Field:
    canvas = _gradient(size, (0.70, 0.86, 0.93), (0.93, 0.96, 0.90))
    _ridge(canvas, 0.42 + 0.12 * d[0], 0.030, 0.8 + 0.5 * d[1], d[2], (0.70, 0.83, 0.66), (0.62, 0.78, 0.58))
    _ridge(canvas, 0.58 + 0.10 * d[3], 0.035, 0.7 + 0.5 * d[4], d[5], (0.62, 0.79, 0.52), (0.50, 0.70, 0.43))
    _ridge(canvas, 0.78 + 0.08 * d[6], 0.025, 0.9 + 0.5 * d[7], d[1], (0.53, 0.73, 0.44), (0.42, 0.63, 0.37))
    return canvas


def sky(size: int, d: Draws) -> Field:
    canvas = _gradient(size, (0.45 + 0.06 * d[2], 0.70, 0.90), (0.80, 0.91, 0.96))
    _clouds(canvas, d, 0.92)
    return canvas


def desert(size: int, d: Draws) -> Field:
    canvas = _gradient(size, (0.98, 0.88, 0.72), (0.99, 0.94, 0.84))
    _sun(canvas, 0.15 + 0.7 * d[0], 0.16 + 0.1 * d[1], 0.07, (1.0, 0.80, 0.50), 0.5)
    _ridge(canvas, 0.46 + 0.1 * d[2], 0.045, 0.6 + 0.4 * d[3], d[4], (0.95, 0.79, 0.58), (0.91, 0.71, 0.49))
    _ridge(canvas, 0.64 + 0.1 * d[5], 0.050, 0.5 + 0.4 * d[6], d[7], (0.93, 0.73, 0.50), (0.86, 0.63, 0.40))
    _ridge(canvas, 0.84, 0.030, 0.7 + 0.4 * d[0], d[2], (0.90, 0.67, 0.43), (0.82, 0.57, 0.35))
    return canvas


def sea(size: int, d: Draws) -> Field:
    canvas = _gradient(size, (0.74, 0.89, 0.92), (0.90, 0.96, 0.94))
    tones: list[tuple[Tone, Tone]] = [
        ((0.56, 0.81, 0.85), (0.46, 0.74, 0.81)),
        ((0.44, 0.73, 0.80), (0.34, 0.64, 0.75)),
        ((0.33, 0.63, 0.74), (0.25, 0.54, 0.68)),
        ((0.25, 0.53, 0.67), (0.18, 0.44, 0.60)),
    ]
    for i, (crest, foot) in enumerate(tones):
        _ridge(canvas, 0.30 + 0.06 * d[0] + 0.19 * i, 0.018, 2.0 + 1.2 * d[i + 1], d[i + 4], crest, foot)
    return canvas


def snow(size: int, d: Draws) -> Field:
    canvas = _gradient(size, (0.66, 0.76, 0.86), (0.86, 0.90, 0.94))
    _ridge(canvas, 0.45 + 0.1 * d[0], 0.050, 0.8 + 0.5 * d[1], d[2], (0.86, 0.91, 0.95), (0.77, 0.84, 0.91))
    _ridge(canvas, 0.66 + 0.1 * d[3], 0.035, 0.6 + 0.5 * d[4], d[5], (0.94, 0.96, 0.98), (0.85, 0.90, 0.94))
    _dots(canvas, d, 5.0, 0.055, (1.0, 1.0, 1.0), 0.9)
    return canvas


def night(size: int, d: Draws) -> Field:
    canvas = _gradient(size, (0.09, 0.11, 0.25), (0.24, 0.25, 0.44))
    _dots(canvas, d, 7.0, 0.032, (1.0, 0.95, 0.80), 0.85)
    _sun(canvas, 0.12 + 0.76 * d[0], 0.14 + 0.1 * d[1], 0.065, (0.98, 0.93, 0.78), 0.28)
    _ridge(canvas, 0.66 + 0.1 * d[2], 0.050, 0.8 + 0.5 * d[3], d[4], (0.20, 0.21, 0.38), (0.15, 0.16, 0.31))
    _ridge(canvas, 0.82 + 0.06 * d[5], 0.030, 0.7 + 0.5 * d[6], d[7], (0.14, 0.15, 0.29), (0.10, 0.11, 0.23))
    return canvas


def dusk(size: int, d: Draws) -> Field:
    canvas = _gradient(size, (0.53, 0.44, 0.63), (0.99, 0.78, 0.62))
    _sun(canvas, 0.2 + 0.6 * d[0], 0.46 + 0.08 * d[1], 0.10, (1.0, 0.80, 0.58), 0.45)
    _ridge(canvas, 0.56 + 0.08 * d[2], 0.055, 0.9 + 0.6 * d[3], d[4], (0.73, 0.52, 0.61), (0.64, 0.44, 0.57))
    _ridge(canvas, 0.72 + 0.08 * d[5], 0.040, 0.7 + 0.6 * d[6], d[7], (0.55, 0.38, 0.53), (0.44, 0.30, 0.46))
    return canvas


def _dots(canvas: Field, d: Draws, cells: float, radius: float, tone: Tone, strength: float) -> None:
    """Small round specks, one in each cell of a turned grid, of changing size."""
    size = canvas.shape[1]
    x, y = _grid(size)
    u = cells * (0.94 * x + 0.34 * y) + 9 * d[6]
    v = cells * (0.94 * y - 0.34 * x) + 9 * d[7]
    column, row = np.floor(u), np.floor(v)
    chance = np.sin(column * 12.99 + row * 78.23) * 437.58
    chance -= np.floor(chance)
    u -= column + 0.28 + 0.44 * chance
    v -= row + 0.28 + 0.44 * np.abs(2 * chance - 1)
    distance = np.sqrt(u * u + v * v) - radius * (0.3 + chance) * cells / 5
    _paint(canvas, _ramp(distance, cells * 1.4 / size) * (strength * chance), tone)


def brick(size: int, d: Draws) -> Field:
    warm = d[0]
    canvas = _flat(size, mix((0.87, 0.80, 0.74), (0.84, 0.81, 0.79), warm))
    x, y = _grid(size)
    rows = 6 + round(3 * d[1])
    v = y * rows + d[2]
    row = np.floor(v)
    u = x * (rows * 0.42) + 0.5 * (row % 2) + d[3]
    column = np.floor(u)
    chance = np.sin(column * 12.99 + row * 78.23 + 40 * d[4]) * 437.58
    chance -= np.floor(chance)
    gap = np.maximum(np.abs(u - column - 0.5) / 0.42 - 0.5 / 0.42, np.abs(v - row - 0.5) - 0.5) + 0.075
    share = _ramp(gap, rows * 1.2 / size)
    one, other = mix((0.79, 0.52, 0.44), (0.72, 0.60, 0.55), warm), mix((0.70, 0.42, 0.36), (0.62, 0.50, 0.47), warm)
    tone = (
        np.array(one, np.float32)[:, None, None] + chance * np.array(np.subtract(other, one), np.float32)[:, None, None]
    )
    tone *= 1.04 - 0.08 * (v - row)
    canvas += share * (tone - canvas)
    return canvas


def paper(size: int, d: Draws) -> Field:
    tone = mix(mix((0.97, 0.94, 0.87), (0.92, 0.90, 0.93), d[0]), (0.88, 0.93, 0.90), d[1] * 0.7)
    canvas = _flat(size, tone)
    field = noise(size, 1.1, d[2])
    field += 0.7 * noise(size, 7.0, d[3], 0.3)
    canvas *= 1 + 0.018 * field
    x, y = _grid(size)
    pitch = 6 + 5 * d[4]
    u, v = x * pitch + d[5], y * pitch + d[6]
    rule = np.minimum(np.abs(u - np.round(u)), np.abs(v - np.round(v))) / pitch
    _paint(canvas, _ramp(rule - 0.0018, 1.5 / size) * 0.28, mix(tone, (0.35, 0.45, 0.65), 0.7))
    return canvas


def wood(size: int, d: Draws) -> Field:
    tone = mix((0.83, 0.68, 0.50), (0.70, 0.55, 0.42), d[0])
    canvas = _flat(size, tone)
    x, y = _grid(size)
    planks = 4 + round(2 * d[1])
    v = y * planks + d[2]
    row = np.floor(v)
    swirl = noise(size, 0.9, d[3], 0.6)
    grain = np.sin(34 * v + 3.2 * swirl + 2.4 * x + 5 * row)
    grain += 0.6 * np.sin(13 * v + 5 * swirl + 7 * row)
    canvas *= 1 + 0.030 * grain + 0.06 * np.sin(2.1 * row + 9 * d[4])
    gap = np.abs(v - row - 0.5) - 0.5 + 0.02
    _paint(canvas, (1 - _ramp(gap, planks * 1.4 / size)) * 0.55, mix(tone, (0.25, 0.14, 0.08), 0.75))
    return canvas


BACKGROUNDS: dict[str, Callable[[int, Draws], Field]] = {
    "meadow": meadow,
    "sky": sky,
    "desert": desert,
    "sea": sea,
    "snow": snow,
    "night": night,
    "dusk": dusk,
    "brick": brick,
    "paper": paper,
    "wood": wood,
}


def background(name: str, size: int, draws: Draws) -> Field:
    """The named background, `(3, size, size)` in about [0, 1]. Raises OptionError with the names there are."""
    return BACKGROUNDS[choose(name, BACKGROUNDS, "background")](size, draws)

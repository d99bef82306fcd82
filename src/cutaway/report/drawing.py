"""Drawing: numbers as pictures that can be read without colour vision. Plain arrays in, plain arrays out.

A raster is uint8 (height, width, 3), a field a map of floats (height, width). Colours are those of `report.palette`;
contours say the same without colour: solid lines ring the evidence for, dashed lines the evidence against.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from cutaway.report import palette

Raster: TypeAlias = UInt8[np.ndarray, "_ _ 3"]
Field: TypeAlias = Float[np.ndarray, "_ _"]

INK = (20, 24, 32)
PAPER = (255, 255, 255)
_LUMINANCE = np.array([0.299, 0.587, 0.114])
_DASH = 8  # pixels from one dash of a contour to the next
_COARSE = 24  # places per side that a map is averaged over before its contours are drawn


def to_raster(picture: Float[np.ndarray, "channels height width"]) -> Raster:
    """A picture in [0, 1], grey or RGB, as a raster."""
    rgb = np.broadcast_to(picture, (3, *picture.shape[1:])).transpose(1, 2, 0)
    return (rgb.clip(0, 1) * 255).round().astype(np.uint8)


def blank(count: int, side: int) -> UInt8[np.ndarray, "count side side 3"]:
    """So many white squares, to be drawn over."""
    return np.full((count, side, side, 3), PAPER, dtype=np.uint8)


def png(raster: Raster) -> bytes:
    """The raster as a PNG file: the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(raster).save(buffer, format="PNG", compress_level=3)  # twice as quick as 6, and little larger
    return buffer.getvalue()


def resize(raster: Raster, height: int, width: int, smooth: bool = True) -> Raster:
    """The raster at another size; smooth=False keeps the edges of its pixels sharp."""
    kind = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    return np.array(Image.fromarray(raster).resize((width, height), kind))


def enlarge(raster: Raster, least: int) -> Raster:
    """The raster, each pixel a square of pixels, so that its short side has at least so many: room to draw on."""
    factor = -(-least // min(raster.shape[:2]))
    return raster.repeat(factor, axis=0).repeat(factor, axis=1)


def resize_field(values: Field, height: int, width: int) -> Field:
    """A map of numbers at another size, interpolated linearly (averaged, where it shrinks)."""
    image = Image.fromarray(values.astype(np.float32))
    return np.array(image.resize((width, height), Image.Resampling.BILINEAR))


def scale_of(values: Float[np.ndarray, " *shape"], percentile: float = 99.5) -> float:
    """The magnitude that is drawn as the full colour: a high percentile, so that one wild pixel hides nothing.

    1 where everything is zero.
    """
    magnitudes = np.abs(values)
    return float(np.percentile(magnitudes, percentile)) or float(magnitudes.max()) or 1.0


def heat(values: Field, signed: bool, size: tuple[int, int] | None = None) -> Raster:
    """The map alone, interpolated to `size` (height, width) where one is given.

    White = nothing, orange = evidence for (or any, where it has no signs), blue = evidence against.
    """
    fine = values if size is None else resize_field(values, *size)
    shares = np.clip(fine / scale_of(fine), -1, 1)
    return _coloured(shares / 2 + 0.5, palette.DIVERGING) if signed else _coloured(np.abs(shares), palette.SEQUENTIAL)


def overlay(picture: Raster, values: Field, signed: bool, grain: int = 1) -> Raster:
    """The map over the pale grey picture, with its contours: the stronger the evidence, the less shows through.

    The map may be of another size; it is interpolated linearly. grain > 1 draws averages over patches of so many
    pixels, because single pixels of opposite signs say nothing to the eye.
    """
    height, width = picture.shape[:2]
    patches = resize_field(values, max(1, len(values) // grain), max(1, values.shape[1] // grain))
    fine = resize_field(patches, height, width)
    shares = np.clip(fine / scale_of(fine), -1, 1)
    colours = heat(fine, signed).astype(float)
    pale = 110 + 0.5 * (picture @ _LUMINANCE)[..., None]
    opacity = 0.9 * np.abs(shares)[..., None] ** 0.6
    drawn = (pale * (1 - opacity) + colours * opacity).round().clip(0, 255).astype(np.uint8)
    coarse = _smooth(fine if signed else np.abs(fine))
    level = 0.5 * scale_of(coarse, 100.0)
    drawn = _outlined(drawn, coarse > level, _rgb(palette.SEQUENTIAL[-1]))
    return _outlined(drawn, coarse < -level, _rgb(palette.DIVERGING[0]), dashed=True) if signed else drawn


def spotlight(picture: Raster, values: Field) -> Raster:
    """The picture, lit where the values are high and dark where they are zero or less, ringed at half of the peak.

    It needs no colour of its own: it says where something fired in the picture's own colours.
    """
    fine = np.maximum(resize_field(values, *picture.shape[:2]), 0)
    light = fine / (float(fine.max()) or 1.0)
    lit = picture * (0.25 + 0.75 * light[..., None])
    return _outlined(lit.round().astype(np.uint8), light > 0.5, PAPER)


def mark(picture: Raster, row: int, column: int, grid: tuple[int, int]) -> Raster:
    """The picture with one place of a grid (rows, columns) framed in ink and white, so that it shows on any ground."""
    height, width = picture.shape[:2]
    top, left = row * height // grid[0], column * width // grid[1]
    bottom = max(top + 1, (row + 1) * height // grid[0])
    right = max(left + 1, (column + 1) * width // grid[1])
    framed = picture.copy()
    for margin, colour in ((4, INK), (3, PAPER), (1, INK)):
        framed[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin] = colour
    framed[top:bottom, left:right] = picture[top:bottom, left:right]
    return framed


def labelled_regions(picture: Raster, maps: Float[np.ndarray, "groups rows columns"]) -> Raster:
    """The grey picture, each place tinted with the colour of the strongest map there, the more the stronger it is."""
    height, width = picture.shape[:2]
    fine = np.stack([resize_field(np.maximum(each, 0), height, width) for each in maps])
    opacity = 0.8 * np.clip(fine.max(axis=0) / (scale_of(fine, 99.0)), 0, 1)[..., None] ** 0.5
    colours = np.array([group_colour(group) for group in range(len(maps))])[fine.argmax(axis=0)]
    grey = np.broadcast_to((picture @ _LUMINANCE)[..., None], picture.shape)
    tinted: Raster = (grey * (1 - opacity) + colours * opacity).round().clip(0, 255).astype(np.uint8)
    return tinted


def group_colour(group: int) -> tuple[int, int, int]:
    """The colour of a group, told from the others also by colour-blind people (Okabe and Ito 2008, in turn)."""
    return _rgb(palette.GROUPS[group % len(palette.GROUPS)])


def swatch(group: int, width: int, height: int) -> Raster:
    """A strip in the colour of a group."""
    return np.full((height, width, 3), group_colour(group), dtype=np.uint8)


def tile(
    cells: Sequence[Sequence[Raster]], side: int, sizes: Float[np.ndarray, "rows columns"] | None = None, gap: int = 2
) -> Raster:
    """Rasters as a table of cells of `side` pixels, on white; `sizes` in [0, 1] shrink each within its cell."""
    rows, columns = len(cells), max(len(row) for row in cells)
    sheet = np.full((rows * (side + gap) - gap, columns * (side + gap) - gap, 3), PAPER, dtype=np.uint8)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            share = 1.0 if sizes is None else float(np.clip(sizes[row, column], 0, 1))
            small = max(1, round(side * share))
            top, left = (index * (side + gap) + (side - small) // 2 for index in (row, column))
            sheet[top : top + small, left : left + small] = resize(cell, small, small)
    return sheet


def beside(rasters: Sequence[Raster], gap: int = 8) -> Raster:
    """Rasters from left to right on white, each in the middle of the height."""
    height = max(len(raster) for raster in rasters)
    sheet = np.full((height, sum(raster.shape[1] + gap for raster in rasters) - gap, 3), PAPER, dtype=np.uint8)
    left = 0
    for raster in rasters:
        top = (height - len(raster)) // 2
        sheet[top : top + len(raster), left : left + raster.shape[1]] = raster
        left += raster.shape[1] + gap
    return sheet


def stacked(rasters: Sequence[Raster], gap: int = 8) -> Raster:
    """Rasters from top to bottom on white, each at the left."""
    return beside([raster.transpose(1, 0, 2) for raster in _same_width(rasters)], gap).transpose(1, 0, 2)


def _same_width(rasters: Sequence[Raster]) -> list[Raster]:
    width = max(raster.shape[1] for raster in rasters)
    margins = [((0, 0), (0, width - raster.shape[1]), (0, 0)) for raster in rasters]
    return [np.pad(raster, margin, constant_values=255) for raster, margin in zip(rasters, margins, strict=True)]


def to_html(raster: Raster, says: str) -> str:
    """The raster as an HTML element that needs no file; `says` is for those who do not see it."""
    data = base64.b64encode(png(raster)).decode()
    return f'<img alt="{html.escape(says)}" src="data:image/png;base64,{data}">'


def bar(share: float, width: int = 96, height: int = 16) -> Raster:
    """A bar from the middle of a strip, `share` in [-1, 1] of the way: right = for, left and striped = against."""
    strip = np.full((height, width, 3), PAPER, dtype=np.uint8)
    middle = width // 2
    length = round(min(1.0, abs(share)) * (middle - 2))
    if share >= 0:
        strip[3:-3, middle : middle + length] = _rgb(palette.FOR)
    else:
        strip[3:-3, middle - length : middle] = _rgb(palette.AGAINST)
        strip[3:-3, middle - length : middle : 3] = PAPER
    strip[:, middle] = INK
    return strip


def _coloured(shares: Field, stops: Sequence[str]) -> Raster:
    at, table = np.linspace(0, 1, len(stops)), np.array([_rgb(stop) for stop in stops])
    return np.stack([np.interp(shares, at, table[:, c]) for c in range(3)], axis=-1).round().astype(np.uint8)


def _rgb(stop: str) -> tuple[int, int, int]:
    return int(stop[1:3], 16), int(stop[3:5], 16), int(stop[5:7], 16)


def _smooth(values: Field) -> Field:
    """The map without its grain, so that contours ring regions, not pixels."""
    height, width = values.shape
    coarse = Image.fromarray(values.astype(np.float32)).resize((_COARSE, _COARSE), Image.Resampling.BILINEAR)
    return np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _outlined(
    raster: Raster, inside: Bool[np.ndarray, "height width"], colour: tuple[int, int, int], dashed: bool = False
) -> Raster:
    """The raster with a line along the inner edge of a region."""
    framed = np.pad(inside, 1)
    core = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
    edge = inside & ~core
    if dashed:
        rows, columns = np.indices(inside.shape)
        edge &= (rows + columns) % _DASH < _DASH // 2
    return np.where(edge[..., None], np.array(colour, dtype=np.uint8), raster)

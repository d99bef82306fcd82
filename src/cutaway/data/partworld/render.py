"""From a scene to a picture, its masks and its shadows: a pure function, the same scene at any size.

Pieces are composited from front to back. `clear` is the light that still comes through; a piece takes its coverage of
it, and its shadow takes some more from what lies beneath. So a piece touches exactly the pixels where its coverage or
its shadow is above zero and something is still clear: those are its masks; to the bit, no other pixel depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from cutaway.core.errors import OptionError, choose
from cutaway.data.partworld.backgrounds import background
from cutaway.data.partworld.kinds import Kind
from cutaway.data.partworld.palette import companion
from cutaway.data.partworld.parts import KINDS
from cutaway.data.partworld.scene import VERSION, Part, Place, Scene, Thing, walk
from cutaway.data.partworld.shapes import Field
from cutaway.data.partworld.textures import TEXTURES

SIZES = (32, 256)
SHADOW = (0.10, 0.09, 0.22)
SHADOW_STRENGTH = 0.42
BEVEL_WIDTH = 0.40
LINE_WIDTH = 0.004

Mask = Bool[np.ndarray, "size size"]
Region = Bool[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Rendering:
    """A picture with what is known of it.

    `masks` and `shadows` hold, by path, the pixels that a part (with its own parts) or its shadow touches; the object's
    parts have their own paths ("head/petals"), "whole" is the object, other things go by their names. `visible` is the
    share of the pixels that a part would touch alone which it still touches here, 0 where it lies outside.
    """

    picture: UInt8[np.ndarray, "size size 3"]
    masks: Mapping[str, Mask]
    shadows: Mapping[str, Mask]
    visible: Mapping[str, float]


@dataclass(frozen=True)
class Frame:
    """A frame in the picture, in its sides: place = origin + turn * (mirrored) local, as complex numbers."""

    origin: complex
    turn: complex
    mirrored: bool

    def within(self, place: Place) -> Frame:
        """The frame of something placed in this one."""
        offset = complex(-place.x if self.mirrored else place.x, place.y)
        angle = -place.angle if self.mirrored else place.angle
        turn = self.turn * complex(math.cos(angle), math.sin(angle)) * place.scale
        return Frame(self.origin + self.turn * offset, turn, self.mirrored)


@dataclass(frozen=True)
class Piece:
    """One drawn part: what it is, where it lies, and the paths whose masks it belongs to."""

    part: Part
    frame: Frame
    paths: tuple[str, ...]


def render(scene: Scene, size: int = 64) -> Rendering:
    """The scene at `size` pixels a side (32 to 256). Raises OptionError for other sizes, names or versions."""
    check(scene, size)
    canvas = background(scene.background.name, size, scene.background.draws)
    clear = np.ones((size, size), np.float32)
    ink = np.zeros((3, size, size), np.float32)
    ledger = _Ledger(scene, size)
    for piece in pieces(scene):
        _draw(piece, scene.light, clear, ink, ledger)
    canvas *= clear
    canvas += ink
    np.maximum(canvas, 0, out=canvas)
    np.minimum(canvas, 1, out=canvas)
    canvas *= 255
    canvas += 0.5
    return Rendering(canvas.astype(np.uint8).transpose(1, 2, 0), ledger.masks, ledger.shadows, ledger.visible())


def check(scene: Scene, size: int) -> None:
    """Refuse what cannot be drawn, with a message that says what can."""
    if not SIZES[0] <= size <= SIZES[1]:
        raise OptionError(f"size {size}; expected {SIZES[0]} to {SIZES[1]} pixels; try 64")
    if scene.version != VERSION:
        raise OptionError(f"a scene of version {scene.version}; expected version {VERSION}; sample it again")


def pieces(scene: Scene) -> Iterator[Piece]:
    """All drawn parts of a scene from front to back."""
    for thing in reversed(scene.things):
        yield from reversed(_pieces_of(thing))


def frame_of(thing: Thing) -> Frame:
    """The frame that a thing's parts are placed in."""
    place = thing.place
    turn = complex(math.cos(place.angle), math.sin(place.angle)) * place.scale
    return Frame(complex(place.x, place.y), turn, thing.mirrored)


def middle(part: Part, frame: Frame) -> complex:
    """The middle of a part's box in the picture; for a group, that of its first drawn part."""
    if part.kind is None:
        return middle(part.parts[0], frame.within(part.parts[0].place)) if part.parts else frame.origin
    left, top, right, bottom = _kind(part).bounds
    across = (left + right) / 2 * (-1 if frame.mirrored else 1)
    return frame.origin + frame.turn * complex(across, (top + bottom) / 2)


def centres(scene: Scene) -> dict[str, tuple[float, float]]:
    """The middle (x, y) of each of the object's drawn parts by path, in shares of the picture's side."""
    spots = ((piece.paths[-1], middle(piece.part, piece.frame)) for piece in _pieces_of(scene.whole))
    return {path: (spot.real, spot.imag) for path, spot in spots}


def _pieces_of(thing: Thing) -> list[Piece]:
    own = thing.role == "object"
    found: list[Piece] = []

    def collect(parts: tuple[Part, ...], frame: Frame, above: tuple[str, ...], prefix: str) -> None:
        for part in parts:
            path = prefix + part.name
            paths = (*above, path) if own else above
            inner = frame.within(part.place)
            if part.kind is not None:
                found.append(Piece(part, inner, paths))
            collect(part.parts, inner, paths, path + "/")

    collect(thing.parts, frame_of(thing), ("whole" if own else thing.name,), "")
    return sorted(found, key=lambda piece: piece.part.depth)


class _Ledger:
    """Who touched which pixels."""

    def __init__(self, scene: Scene, size: int) -> None:
        names = ["whole" if thing.role == "object" else thing.name for thing in scene.things]
        paths = [*names, *(path for path, _ in walk(scene.whole.parts))]
        self.masks, self.shadows, self.alone = (
            dict(zip(paths, np.zeros((len(paths), size, size), bool), strict=True)) for _ in range(3)
        )

    def enter(
        self, paths: tuple[str, ...], box: tuple[slice, slice], alone: Region, mask: Region, shadow: Region
    ) -> None:
        for path in paths:
            self.alone[path][box] |= alone
            self.masks[path][box] |= mask
            self.shadows[path][box] |= shadow

    def visible(self) -> dict[str, float]:
        counts = {
            path: (np.count_nonzero(mask), np.count_nonzero(self.alone[path])) for path, mask in self.masks.items()
        }
        return {path: touched / alone if alone else 0.0 for path, (touched, alone) in counts.items()}


def _draw(piece: Piece, light: float, clear: Field, ink: Field, ledger: _Ledger) -> None:
    """Lay one piece, then its shadow, under all that is there already."""
    part, frame, size = piece.part, piece.frame, clear.shape[0]
    kind = _kind(part)
    scale = abs(frame.turn)
    lift = 0.36 * kind.period * scale
    away = complex(-math.sin(light), math.cos(light)) * lift
    blur = 1.1 * lift + 0.5 / size
    box = _box(kind, frame, away, blur, size)
    if box is None:
        return
    x, y = _coordinates(frame, box, away, size)
    distance = kind.outline(x, y)
    distance *= scale
    cover = distance[0] * -size
    cover += 0.5
    np.maximum(cover, 0, out=cover)
    np.minimum(cover, 1, out=cover)
    dark = distance[1] * (-0.5 / blur)
    dark += 0.5
    np.maximum(dark, 0, out=dark)
    np.minimum(dark, 1, out=dark)
    dark *= dark
    dark *= SHADOW_STRENGTH
    through = clear[box]
    share = cover * through
    shade = _shade(kind, frame, x[0], y[0], distance, light, lift, size)
    ink[(slice(None), *box)] += _colour(part, kind, x[0], y[0], shade, share, 1 / (size * scale))
    through *= 1 - cover
    fall = dark * through
    ledger.enter(piece.paths, box, cover > 0, share > 0, fall > 0)
    for channel, tone in zip(ink[(slice(None), *box)], SHADOW, strict=True):
        channel += fall * tone
    through *= 1 - dark


def _kind(part: Part) -> Kind:
    kinds = KINDS[choose(part.name, KINDS, "part")]
    return kinds[choose(part.kind or "", kinds, f"kind of {part.name}")]


def _box(kind: Kind, frame: Frame, away: complex, blur: float, size: int) -> tuple[slice, slice] | None:
    """The rows and columns that the piece and its shadow can reach, or None where they miss the picture."""
    left, top, right, bottom = kind.bounds
    flip = -1 if frame.mirrored else 1
    corners = [frame.turn * complex(flip * x, y) for x in (left, right) for y in (top, bottom)]
    across, down = [c.real for c in corners], [c.imag for c in corners]
    reach = blur + 1 / size
    x0 = min(across) + frame.origin.real - 1 / size + min(0.0, away.real - reach)
    x1 = max(across) + frame.origin.real + 1 / size + max(0.0, away.real + reach)
    y0 = min(down) + frame.origin.imag - 1 / size + min(0.0, away.imag - reach)
    y1 = max(down) + frame.origin.imag + 1 / size + max(0.0, away.imag + reach)
    rows = slice(max(math.floor(y0 * size), 0), min(math.ceil(y1 * size), size))
    columns = slice(max(math.floor(x0 * size), 0), min(math.ceil(x1 * size), size))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _coordinates(frame: Frame, box: tuple[slice, slice], away: complex, size: int) -> tuple[Field, Field]:
    """The part's own coordinates of each pixel in the box, and of the place whose shadow falls there, stacked."""
    back = 1 / frame.turn
    columns = (np.arange(box[1].start, box[1].stop, dtype=np.float32) + 0.5) / size - frame.origin.real
    rows = (np.arange(box[0].start, box[0].stop, dtype=np.float32)[:, None] + 0.5) / size - frame.origin.imag
    step = away * back
    flip = -1.0 if frame.mirrored else 1.0
    x = np.empty((2, rows.shape[0], columns.shape[0]), np.float32)
    y = np.empty_like(x)
    np.add(columns * (flip * back.real), rows * (-flip * back.imag), out=x[0])
    np.add(columns * back.imag, rows * back.real, out=y[0])
    np.subtract(x[0], flip * step.real, out=x[1])
    np.subtract(y[0], step.imag, out=y[1])
    return x, y


def _shade(
    kind: Kind, frame: Frame, x: Field, y: Field, distance: Field, light: float, lift: float, size: int
) -> Field:
    """How much lighter or darker than its tone each place is: bevelled edge, soft fall of light, engraved lines."""
    scale = abs(frame.turn)
    shade: Field = distance[1] - distance[0]
    shade *= 0.34 / lift
    rim = distance[0] * (1 / (BEVEL_WIDTH * kind.period * scale))
    rim += 1
    np.maximum(rim, 0, out=rim)
    shade *= rim
    toward = complex(math.sin(light), -math.cos(light)) * scale / frame.turn
    extent = max(kind.bounds[2] - kind.bounds[0], kind.bounds[3] - kind.bounds[1])
    shade += x * (0.26 * toward.real * (-1 if frame.mirrored else 1) / extent)
    shade += y * (0.26 * toward.imag / extent)
    if kind.lines is not None:
        line = kind.lines(x, y)
        line *= -scale * size
        line += 0.5 + LINE_WIDTH * scale * size
        np.maximum(line, 0, out=line)
        np.minimum(line, 1, out=line)
        line *= 0.17
        shade -= line
    return shade


def _colour(part: Part, kind: Kind, x: Field, y: Field, shade: Field, share: Field, pixel: float) -> Field:
    """The light that a piece sends through its share of each pixel, `(3, height, width)`."""
    tone, second = np.array(part.tone, np.float32), np.array(companion(part.tone), np.float32)
    texture = TEXTURES[choose(part.texture or "plain", TEXTURES, "texture")]
    shade += 1
    fields = (
        [share, share * shade] if texture is None else [share, share * shade, share * texture(x, y, kind.period, pixel)]
    )
    glow = np.float32(0.25) + np.float32(0.75) * tone
    tones = np.stack([tone - glow, glow, second - tone][: len(fields)], axis=1)
    colour: Field = tones @ np.stack(fields).reshape(len(fields), -1)
    return colour.reshape(3, *share.shape)

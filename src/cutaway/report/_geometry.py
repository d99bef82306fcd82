"""Geometry of the page's line drawings, in the units of their view boxes: the cutaway itself, scales, the scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cutaway.report._words import disagrees, effect
from cutaway.report.schema import Channel, ExplanationData

HEIGHT, LEAN, RISE = 176.0, 0.46, 0.24
"""A plate's height, and the run and rise of its receding edge as shares of the height."""

MIDDLE = 190.0
"""Where the drawing's centre line lies."""


@dataclass(frozen=True)
class Plate:
    """A picture seen obliquely, `turn` times wider than usual: `matrix` lays the unit square onto it."""

    x: float
    y: float
    height: float
    aspect: float = 1.0
    turn: float = 1.0

    @property
    def run(self) -> float:
        return LEAN * self.height * self.aspect * self.turn

    @property
    def rise(self) -> float:
        return RISE * self.height * self.aspect / self.turn

    @property
    def matrix(self) -> str:
        return f"matrix({self.run:.2f} {-self.rise:.2f} 0 {self.height:.2f} {self.x:.2f} {self.y:.2f})"

    @property
    def outline(self) -> str:
        corners = [self.at(u, v) for u, v in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))]
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)

    @property
    def centre(self) -> tuple[float, float]:
        return self.at(0.5, 0.5)

    @property
    def top(self) -> tuple[float, float]:
        return self.at(0.5, 0.0)

    @property
    def left(self) -> tuple[float, float]:
        return self.at(0.0, 0.5)

    @property
    def right(self) -> tuple[float, float]:
        return self.at(1.0, 0.5)

    def at(self, u: float, v: float) -> tuple[float, float]:
        """The drawing's point over the plate's point (u, v), both in [0, 1]."""
        return self.x + u * self.run, self.y - u * self.rise + v * self.height

    def shifted(self, dx: float) -> Plate:
        return replace(self, x=self.x + dx)


def plate(
    centre_x: float, centre_y: float = MIDDLE, height: float = HEIGHT, aspect: float = 1.0, turn: float = 1.0
) -> Plate:
    """The plate whose centre lies there."""
    flat = Plate(0.0, 0.0, height, aspect, turn)
    x, y = flat.centre
    return replace(flat, x=centre_x - x, y=centre_y - y)


@dataclass(frozen=True)
class Strand:
    """One channel in the drawing: its small plate, the place where it fired, and its thread to the answer."""

    channel: Channel
    plate: Plate
    source: tuple[float, float]
    target: tuple[float, float]
    argues_for: bool
    width: float

    @property
    def incoming(self) -> str:
        x, y = self.plate.left
        return f"M{self.source[0]:.1f} {self.source[1]:.1f}L{x - 3:.1f} {y:.1f}"

    @property
    def outgoing(self) -> str:
        (x, y), (tx, ty) = self.plate.right, self.target
        return f"M{x + 3:.1f} {y:.1f}C{x + 70:.1f} {y:.1f} {tx - 80:.1f} {ty:.1f} {tx:.1f} {ty:.1f}"


@dataclass(frozen=True)
class Cutaway:
    """The drawing at the head of the page: picture, map, layer, channels and answer along one line."""

    picture: Plate
    heat: Plate | None
    layer: Plate | None
    strands: list[Strand]
    bars: list[tuple[float, float]]
    width: float = 1120.0
    height: float = 366.0


def cutaway(data: ExplanationData, per_side: int = 3) -> Cutaway:
    """Where each part stands, and which threads run from the picture to the answer."""
    _, height, width = data.model.input
    aspect = min(1.6, max(0.6, width / height))
    bars = [(884.0, 142.0), (884.0, 246.0)] if data.versus else [(884.0, MIDDLE)]
    layer = plate(470.0, aspect=aspect) if data.grid or data.channels else None
    return Cutaway(
        picture=plate(70.0, aspect=aspect),
        heat=plate(262.0 if layer else 470.0, aspect=aspect) if data.maps else None,
        layer=layer,
        strands=_strands(data, layer, bars, per_side) if layer else [],
        bars=bars,
    )


def _strands(data: ExplanationData, layer: Plate, bars: Sequence[tuple[float, float]], per_side: int) -> list[Strand]:
    if data.channels is None:
        return []
    fors, against = data.channels.arguing_for[:per_side], data.channels.arguing_against[: per_side - 1]
    chosen = [*((c, True) for c in fors), *((c, False) for c in reversed(against))]
    largest = max((abs(effect(c)) for c, _ in chosen), default=0.0) or 1.0
    rows, columns = data.channels.grid
    strands = []
    for i, (channel, argues_for) in enumerate(chosen):
        y = MIDDLE + (i - (len(chosen) - 1) / 2) * 57 + 4
        u, v = (channel.peak[1] + 0.5) / columns, (channel.peak[0] + 0.5) / rows
        bar = bars[0] if argues_for else bars[-1]
        strands.append(
            Strand(
                channel=channel,
                plate=plate(690.0, y, 48.0, turn=1.9),
                source=layer.at(u, v),
                target=(bar[0] - 10, bar[1]),
                argues_for=argues_for,
                width=1.2 + 7 * abs(effect(channel)) / largest,
            )
        )
    return strands


@dataclass(frozen=True)
class Point:
    """One channel in the scatter of estimates (across) and measurements (up)."""

    x: float
    y: float
    label: str
    side: int
    argues_for: bool
    disagrees: bool


@dataclass(frozen=True)
class Scatter:
    """Estimates against measurements on one symmetric scale, `limit` logits to either side of the middle."""

    points: list[Point]
    limit: float
    size: float = 320.0


def scatter(channels: Sequence[Channel], size: float = 320.0) -> Scatter:
    """Place every channel; a name is left out where it would cover another."""
    limit = 1.12 * max((max(abs(c.attribution), abs(effect(c))) for c in channels), default=1.0) or 1.0
    order = sorted(channels, key=lambda c: -abs(effect(c)))
    at = [(size / 2 * (1 + c.attribution / limit), size / 2 * (1 - effect(c) / limit)) for c in order]
    taken = list(at)
    points = []
    for channel, (x, y) in zip(order, at, strict=True):
        side = _free_side(x, y, taken, size)
        name = channel.unit.rpartition(":")[2] if side else ""
        points.append(Point(x, y, name, side, channel.attribution >= 0, disagrees(channel)))
    return Scatter(points, limit, size)


def _free_side(x: float, y: float, taken: list[tuple[float, float]], size: float) -> int:
    """Where a name fits beside a point: right (1), left (-1) or nowhere (0); what it covers is taken then."""
    for side in (1, -1):
        label = x + side * 20
        inside = 12 < label < size - 12
        if inside and all(abs(label - a) > 18 or abs(y - b) > 11 for a, b in taken if (a, b) != (x, y)):
            taken.append((label, y))
            return side
    return 0


@dataclass(frozen=True)
class Bar:
    """A bar from the middle of a symmetric scale, in per cent of the scale's whole width."""

    left: float
    width: float
    argues_for: bool


def bar(value: float, limit: float) -> Bar:
    """The bar of a signed value on a scale from -limit to +limit."""
    share = 50 * min(1.0, abs(value) / limit) if limit else 0.0
    return Bar(50 - share if value < 0 else 50.0, share, value >= 0)


@dataclass(frozen=True)
class Tick:
    """A class on the axis of logits, `at` in per cent."""

    at: float
    label: str
    logit: float
    role: str


def logit_axis(data: ExplanationData) -> list[Tick]:
    """The best classes, the target and the versus class on one axis of logits, with a little room on both sides."""
    known = {score.index: score for score in data.predictions}
    known[data.target.index] = data.target
    if data.versus:
        known[data.versus.index] = data.versus
    low, high = min(s.logit for s in known.values()), max(s.logit for s in known.values())
    span = (high - low) or 1.0
    roles = {data.target.index: "target", **({data.versus.index: "versus"} if data.versus else {})}
    return [
        Tick(4 + 92 * (s.logit - low) / span, s.label, s.logit, roles.get(s.index, ""))
        for s in sorted(known.values(), key=lambda s: s.logit)
    ]

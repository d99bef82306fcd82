"""A picture of two figures of many networks, those that no other beats in both joined by steps: SVG as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from _evidence import ROOT
from jinja2 import Environment, FileSystemLoader, StrictUndefined

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 900, 500, 76, 770, 24, 440  # of the picture and its plot, in pixels
LINE = 15  # pixels between two names


@dataclass(frozen=True)
class Point:
    """A network: its name, its two figures, and whether it is the one that the picture is about."""

    name: str
    x: float
    y: float
    main: bool = False


@dataclass(frozen=True)
class Axis:
    """What an axis says, where it ends, and how far apart its ticks are."""

    says: str
    low: float
    high: float
    step: float

    def along(self, value: float, begin: float, end: float) -> float:
        """Where a value lies between two ends in pixels."""
        return round(begin + (end - begin) * (value - self.low) / (self.high - self.low), 1)

    def ticks(self, begin: float, end: float) -> list[dict[str, float | str]]:
        """Where ticks are, and what they say."""
        count = round((self.high - self.low) / self.step)
        values = [self.low + number * self.step for number in range(count + 1)]
        return [{"at": self.along(value, begin, end), "says": f"{value:g}"} for value in values]


def best(points: Sequence[Point]) -> list[Point]:
    """Those that no other beats in one figure and equals in the other, from left to right."""

    def beaten(one: Point) -> bool:
        return any(o.x >= one.x and o.y >= one.y and (o.x > one.x or o.y > one.y) for o in points)

    return sorted((one for one in points if not beaten(one)), key=lambda one: one.x)


def picture(points: Sequence[Point], x: Axis, y: Axis) -> str:
    """Dots with names on a plain grid; more is better on both axes."""
    lead = best(points)
    path = [f"M {LEFT} {y.along(lead[0].y, BOTTOM, TOP)}"]
    for one, after in zip(lead, [*lead[1:], None], strict=True):
        path.append(f"H {x.along(one.x, LEFT, RIGHT)}")
        path.append(f"V {y.along(after.y, BOTTOM, TOP) if after else BOTTOM}")
    template = Environment(
        loader=FileSystemLoader(ROOT / "evidence"), autoescape=True, undefined=StrictUndefined
    ).get_template("pareto.svg.j2")
    return template.render(
        wide=WIDE,
        high=HIGH,
        left=LEFT,
        right=RIGHT,
        top=TOP,
        bottom=BOTTOM,
        x_ticks=x.ticks(LEFT, RIGHT),
        y_ticks=y.ticks(BOTTOM, TOP),
        steps=" ".join(path),
        dots=_dots(points, x, y),
        x_says=x.says,
        y_says=y.says,
    )


def _dots(points: Sequence[Point], x: Axis, y: Axis) -> list[dict[str, object]]:
    """Each dot, and where its name stands: above it, or so far below that no other name is in the way."""
    dots: list[dict[str, object]] = []
    taken: list[tuple[float, float]] = []
    for one in sorted(points, key=lambda point: -point.y):
        across, down = x.along(one.x, LEFT, RIGHT), y.along(one.y, BOTTOM, TOP)
        says_at = down - 7
        while any(abs(across - other) < 7.2 * len(one.name) and abs(says_at - at) < LINE for other, at in taken):
            says_at += 1
        taken.append((across, says_at))
        dots.append({"x": across, "y": down, "says_at": round(says_at, 1), "name": one.name, "main": one.main})
    return dots

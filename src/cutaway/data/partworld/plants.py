"""The kinds of a flower's parts."""

from __future__ import annotations

from cutaway.data.partworld.kinds import Kind
from cutaway.data.partworld.shapes import (
    Field,
    around,
    bow,
    box,
    circle,
    ellipse,
    intersection,
    lens,
    mirrored,
    polygon,
    turned,
)


def _slender_petals(x: Field, y: Field) -> Field:
    u, v = around(x, y, 11)
    return ellipse(u - 0.165, v, 0.105, 0.040)


def _round_petals(x: Field, y: Field) -> Field:
    u, v = around(x, y, 5)
    return ellipse(u - 0.150, v, 0.120, 0.098)


def _petal_lines(x: Field, y: Field) -> Field:
    u, v = around(x, y, 11)
    return intersection(mirrored(v), mirrored(u - 0.14) - 0.06)


def _round_petal_lines(x: Field, y: Field) -> Field:
    u, v = around(x, y, 5)
    return intersection(mirrored(v), mirrored(u - 0.14) - 0.05)


def _disk(x: Field, y: Field) -> Field:
    return circle(x, y, 0.085)


def _disk_lines(x: Field, y: Field) -> Field:
    return mirrored(circle(x, y, 0.052))


def _calyx(x: Field, y: Field) -> Field:
    return polygon(x, y, [(-0.075, -0.075), (0.075, -0.075), (0.034, 0.075), (-0.034, 0.075)], 0.04)


def _calyx_lines(x: Field, y: Field) -> Field:
    return mirrored(mirrored(x) - 0.02 + 0.2 * (y - 0.07))


def _straight_stem(x: Field, y: Field) -> Field:
    return box(x, y, 0.021, 0.20, 0.02)


def _bowed_stem(x: Field, y: Field) -> Field:
    """Bowed between leaves and calyx alone: upright where either meets it, so that neither shows which stem it is."""
    return intersection(bow(x, y + 0.04, 0.155, 0.09, 0.021), mirrored(y) - 0.20)


def _blade_leaves(x: Field, y: Field) -> Field:
    u, v = turned(mirrored(x), y, -0.86)
    return lens(u - 0.03, v, 0.40, 0.038)


def _oval_leaves(x: Field, y: Field) -> Field:
    u, v = turned(mirrored(x), y, -0.48)
    return lens(u - 0.02, v, 0.33, 0.088)


def _blade_lines(x: Field, y: Field) -> Field:
    u, v = turned(mirrored(x), y, -0.86)
    return intersection(mirrored(v), mirrored(u - 0.2) - 0.14)


def _oval_lines(x: Field, y: Field) -> Field:
    u, v = turned(mirrored(x), y, -0.48)
    return intersection(mirrored(v), mirrored(u - 0.16) - 0.12)


PLANTS: dict[str, dict[str, Kind]] = {
    "petals": {
        "slender": Kind(_slender_petals, (-0.27, -0.27, 0.27, 0.27), _petal_lines),
        "round": Kind(_round_petals, (-0.27, -0.27, 0.27, 0.27), _round_petal_lines),
    },
    "disk": {"round": Kind(_disk, (-0.085, -0.085, 0.085, 0.085), _disk_lines, 0.045)},
    "calyx": {"cupped": Kind(_calyx, (-0.075, -0.075, 0.075, 0.075), _calyx_lines, 0.06)},
    "stem": {
        "straight": Kind(_straight_stem, (-0.021, -0.20, 0.021, 0.20), None, 0.05),
        "bowed": Kind(_bowed_stem, (-0.021, -0.20, 0.112, 0.20), None, 0.05),
    },
    "leaves": {
        "blade": Kind(_blade_leaves, (-0.31, -0.36, 0.31, 0.03), _blade_lines),
        "oval": Kind(_oval_leaves, (-0.35, -0.24, 0.35, 0.03), _oval_lines),
    },
}

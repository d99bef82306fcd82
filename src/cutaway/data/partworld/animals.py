"""The kinds of a bird's and a fish's parts."""

from __future__ import annotations

from cutaway.data.partworld.kinds import Kind, Outline
from cutaway.data.partworld.shapes import (
    Field,
    box,
    capsule,
    circle,
    ellipse,
    folded,
    intersection,
    lens,
    mirrored,
    polygon,
    soft_max,
    soft_min,
    taper,
    turned,
    union,
)


def _bird_body(x: Field, y: Field) -> Field:
    u, v = turned(x, y, -0.30)
    return soft_min(ellipse(u, v, 0.225, 0.150), circle(x - 0.15, y + 0.12, 0.07), 0.10)


def _bird_head(x: Field, y: Field) -> Field:
    return circle(x, y, 0.115)


def _eye(x: Field, y: Field) -> Field:
    return circle(x, y, 0.034)


def _pupil(x: Field, y: Field) -> Field:
    return circle(x, y, 0.017)


def _short_beak(x: Field, y: Field) -> Field:
    return taper(x, y, 0.09, 0.052, 0.006)


def _long_beak(x: Field, y: Field) -> Field:
    return taper(x, y, 0.27, 0.044, 0.006)


def _beak_lines(x: Field, y: Field) -> Field:
    return mirrored(y)


def _wing(x: Field, y: Field) -> Field:
    u, v = turned(x - 0.10, y + 0.01, 2.85)
    return soft_min(lens(u, v, 0.34, 0.085), circle(x - 0.03, y, 0.075), 0.05)


def _wing_lines(x: Field, y: Field) -> Field:
    ring = circle(x - 0.10, y + 0.06, 0.0)
    return union(mirrored(ring - 0.15), mirrored(ring - 0.21))


def _fan_tail(x: Field, y: Field) -> Field:
    """A short tail that spreads to the back."""
    return soft_max(
        polygon(x, y, [(0.08, -0.02), (0.08, 0.02), (-0.20, 0.19), (-0.20, -0.19)]), circle(x, y, 0.19), 0.03
    )


def _fan_lines(x: Field, y: Field) -> Field:
    v = mirrored(y)
    return union(v, mirrored(v + 0.36 * x) * 0.94)


def _forked_tail(x: Field, y: Field) -> Field:
    u, v = turned(-x, mirrored(y), 0.46)
    return lens(u + 0.07, v - 0.012, 0.38, 0.048)


def _forked_lines(x: Field, y: Field) -> Field:
    _, v = turned(-x, mirrored(y), 0.46)
    return mirrored(v - 0.012)


def _legs(length: float) -> Outline:
    def leg(x: Field, y: Field) -> Field:
        shank = box(x, y - length / 2, 0.017, length / 2 + 0.01, 0.015)
        return union(shank, capsule(x, y, (0.0, length), (0.05, length + 0.008), 0.018))

    return lambda x, y: union(leg(x - 0.055, y), leg(x + 0.055, y))


def _fish_body(x: Field, y: Field) -> Field:
    return soft_min(ellipse(x - 0.05, y, 0.235, 0.165), lens(x + 0.33, y, 0.55, 0.10), 0.08)


def _gill(x: Field, y: Field) -> Field:
    return intersection(mirrored(circle(x - 0.02, y, 0.12)), 0.055 - x)


def _round_fin(x: Field, y: Field) -> Field:
    """A low, long sail."""
    return soft_max(ellipse(x + 0.02, y, 0.155, 0.105), y - 0.06, 0.02)


def _pointed_fin(x: Field, y: Field) -> Field:
    """A high, swept triangle."""
    return polygon(x, y, [(-0.13, -0.235), (0.15, 0.06), (-0.10, 0.06)], 0.03)


def _fin_lines(x: Field, y: Field) -> Field:
    return mirrored(folded(x + 0.25 * y, 0.055))


def _blunt_snout(x: Field, y: Field) -> Field:
    return soft_min(circle(x - 0.005, y + 0.020, 0.050), circle(x - 0.000, y - 0.036, 0.040), 0.01)


def _long_snout(x: Field, y: Field) -> Field:
    return taper(x + 0.04, y, 0.26, 0.048, 0.008)


ANIMALS: dict[str, dict[str, Kind]] = {
    "body": {
        "plump": Kind(_bird_body, (-0.23, -0.20, 0.23, 0.17)),
        "streamlined": Kind(_fish_body, (-0.335, -0.17, 0.29, 0.17), _gill),
    },
    "head": {"round": Kind(_bird_head, (-0.115, -0.115, 0.115, 0.115))},
    "eye": {"round": Kind(_eye, (-0.034, -0.034, 0.034, 0.034), None, 0.03)},
    "pupil": {"round": Kind(_pupil, (-0.017, -0.017, 0.017, 0.017), None, 0.03)},
    "beak": {
        "short": Kind(_short_beak, (-0.055, -0.055, 0.10, 0.055), _beak_lines, 0.05),
        "long": Kind(_long_beak, (-0.05, -0.05, 0.28, 0.05), _beak_lines, 0.05),
    },
    "wing": {"folded": Kind(_wing, (-0.25, -0.09, 0.12, 0.15), _wing_lines)},
    "fin": {"folded": Kind(_wing, (-0.25, -0.09, 0.12, 0.15), _wing_lines)},
    "tail": {
        "fan": Kind(_fan_tail, (-0.20, -0.15, 0.08, 0.15), _fan_lines),
        "forked": Kind(_forked_tail, (-0.29, -0.20, 0.09, 0.20), _forked_lines),
    },
    "legs": {
        "short": Kind(_legs(0.08), (-0.075, -0.01, 0.125, 0.11), None, 0.04),
        "long": Kind(_legs(0.28), (-0.075, -0.01, 0.125, 0.31), None, 0.04),
    },
    "dorsal": {
        "round": Kind(_round_fin, (-0.18, -0.11, 0.14, 0.06), _fin_lines),
        "pointed": Kind(_pointed_fin, (-0.14, -0.24, 0.15, 0.06), _fin_lines),
    },
    "snout": {
        "blunt": Kind(_blunt_snout, (-0.05, -0.07, 0.06, 0.08), None, 0.05),
        "long": Kind(_long_snout, (-0.09, -0.05, 0.23, 0.05), None, 0.05),
    },
}

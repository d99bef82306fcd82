"""The kinds of a vehicle's and a building's parts, and of the mark of a biased world."""

from __future__ import annotations

from cutaway.data.partworld.kinds import Kind, Outline
from cutaway.data.partworld.shapes import Field, box, circle, folded, intersection, mirrored, polygon, union


def _chassis(x: Field, y: Field) -> Field:
    return box(x, y, 0.42, 0.072, 0.05)


def _chassis_lines(x: Field, y: Field) -> Field:
    return intersection(mirrored(y - 0.012), mirrored(x) - 0.37)


def _sloped_cab(x: Field, y: Field) -> Field:
    return polygon(x, y, [(-0.10, -0.19), (0.05, -0.19), (0.185, 0.03), (-0.185, 0.03)], 0.03)


def _tall_cab(x: Field, y: Field) -> Field:
    return box(x, y + 0.15, 0.165, 0.20, 0.045)


def _flat_load(x: Field, y: Field) -> Field:
    return box(x, y + 0.01, 0.19, 0.065, 0.02)


def _box_load(x: Field, y: Field) -> Field:
    return box(x, y + 0.15, 0.19, 0.20, 0.03)


def _plank_lines(x: Field, y: Field) -> Field:
    return mirrored(folded(x, 0.095))


def _wheels(radius: float) -> Outline:
    return lambda x, y: circle(mirrored(x) - 0.235, y, radius)


def _tyre(radius: float) -> Outline:
    return lambda x, y: mirrored(circle(mirrored(x) - 0.235, y, radius))


def _hubs(x: Field, y: Field) -> Field:
    return circle(mirrored(x) - 0.235, y, 0.042)


def _pane(x: Field, y: Field) -> Field:
    return box(x, y, 0.062, 0.055, 0.02)


def _lamp(x: Field, y: Field) -> Field:
    return circle(x, y, 0.034)


def _walls(x: Field, y: Field) -> Field:
    return box(x, y, 0.29, 0.20, 0.015)


def _wall_lines(x: Field, y: Field) -> Field:
    return mirrored(y - 0.15)


def _gable_roof(x: Field, y: Field) -> Field:
    return polygon(x, y, [(0.0, -0.27), (0.325, 0.03), (-0.325, 0.03)], 0.02)


def _toothed_roof(x: Field, y: Field) -> Field:
    tooth = intersection(mirrored(folded(x, 0.1443)) - 0.045, mirrored(x) - 0.32)
    return union(box(x, y + 0.02, 0.32, 0.055, 0.01), intersection(tooth, mirrored(y + 0.09) - 0.05))


def _roof_lines(x: Field, y: Field) -> Field:
    return mirrored(folded(y, 0.07))


def _slim_tower(x: Field, y: Field) -> Field:
    return union(box(x + 0.022, y, 0.058, 0.27, 0.01), box(x + 0.012, y + 0.255, 0.082, 0.030, 0.01))


def _spired_tower(x: Field, y: Field) -> Field:
    spire = polygon(x, y, [(0.01, -0.56), (0.115, -0.23), (-0.095, -0.23)], 0.01)
    return union(box(x, y, 0.085, 0.27, 0.01), spire)


def _tower_lines(x: Field, y: Field) -> Field:
    return mirrored(y + 0.225)


def _square_windows(x: Field, y: Field) -> Field:
    return box(mirrored(x) - 0.17, y, 0.055, 0.055, 0.008)


def _arched_windows(x: Field, y: Field) -> Field:
    u = mirrored(x) - 0.17
    return union(circle(u, y + 0.045, 0.047), box(u, y - 0.02, 0.047, 0.066, 0.004))


def _window_lines(x: Field, y: Field) -> Field:
    return union(mirrored(mirrored(x) - 0.17), mirrored(y))


def _pane_lines(x: Field, y: Field) -> Field:
    return mirrored(x + y)


def _door(x: Field, y: Field) -> Field:
    return box(x, y, 0.062, 0.105, 0.02)


def _knob(x: Field, y: Field) -> Field:
    return circle(x, y, 0.015)


def _round_mark(x: Field, y: Field) -> Field:
    return circle(x, y, 0.05)


def _square_mark(x: Field, y: Field) -> Field:
    return box(x, y, 0.045, 0.045, 0.008)


CONSTRUCTIONS: dict[str, dict[str, Kind]] = {
    "chassis": {"long": Kind(_chassis, (-0.42, -0.072, 0.42, 0.072), _chassis_lines)},
    "cab": {
        "sloped": Kind(_sloped_cab, (-0.19, -0.19, 0.19, 0.03)),
        "tall": Kind(_tall_cab, (-0.165, -0.35, 0.165, 0.05)),
    },
    "load": {
        "flat": Kind(_flat_load, (-0.19, -0.075, 0.19, 0.055), _plank_lines),
        "box": Kind(_box_load, (-0.19, -0.35, 0.19, 0.05), _plank_lines),
    },
    "wheels": {
        "small": Kind(_wheels(0.088), (-0.323, -0.088, 0.323, 0.088), _tyre(0.064), 0.05),
        "large": Kind(_wheels(0.138), (-0.373, -0.138, 0.373, 0.138), _tyre(0.10), 0.05),
    },
    "hubs": {"round": Kind(_hubs, (-0.277, -0.042, 0.277, 0.042), None, 0.04)},
    "pane": {"square": Kind(_pane, (-0.062, -0.055, 0.062, 0.055), _pane_lines, 0.05)},
    "lamp": {"round": Kind(_lamp, (-0.034, -0.034, 0.034, 0.034), None, 0.03)},
    "walls": {"square": Kind(_walls, (-0.29, -0.20, 0.29, 0.20), _wall_lines)},
    "roof": {
        "gabled": Kind(_gable_roof, (-0.34, -0.27, 0.34, 0.03), _roof_lines),
        "toothed": Kind(_toothed_roof, (-0.34, -0.14, 0.34, 0.035), _roof_lines),
    },
    "tower": {
        "slim": Kind(_slim_tower, (-0.094, -0.285, 0.070, 0.27), _tower_lines),
        "spired": Kind(_spired_tower, (-0.115, -0.56, 0.115, 0.27), _tower_lines),
    },
    "windows": {
        "square": Kind(_square_windows, (-0.225, -0.055, 0.225, 0.055), _window_lines, 0.05),
        "arched": Kind(_arched_windows, (-0.217, -0.092, 0.217, 0.086), _window_lines, 0.05),
    },
    "door": {"panelled": Kind(_door, (-0.062, -0.105, 0.062, 0.105))},
    "knob": {"round": Kind(_knob, (-0.015, -0.015, 0.015, 0.015), None, 0.03)},
    "mark": {
        "round": Kind(_round_mark, (-0.05, -0.05, 0.05, 0.05), None, 0.03),
        "square": Kind(_square_mark, (-0.045, -0.045, 0.045, 0.045), None, 0.03),
    },
}

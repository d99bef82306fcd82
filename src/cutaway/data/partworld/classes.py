"""The twenty classes: five families of four, told apart by which kinds of part come together, never by one part alone.

In each family three parts have two kinds each, and each class is one row of a parity code:

    first second third    Any one kind is shared by two of the four classes, so one part alone is right at most
      0     0     0       every second time; any two settle the class, so one may be hidden or missing.
      0     1     1       All else (places, sizes, colours, textures) is drawn alike for all classes of a family,
      1     0     1       and no deciding part lies over another, whose outline would give it away.
      1     1     0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cutaway.core.errors import TargetError, suggestion
from cutaway.data.partworld.scene import Place


@dataclass(frozen=True)
class PartPlan:
    """A part as a class wants it: its kind (None groups others), its place in its parent, how far in front it lies."""

    name: str
    kind: str | None
    place: Place
    depth: int
    parts: tuple[PartPlan, ...] = ()


@dataclass(frozen=True)
class ClassPlan:
    """One class: label, family and part tree."""

    label: str
    family: str
    parts: tuple[PartPlan, ...]


def _at(x: float, y: float, angle: float = 0.0, scale: float = 1.0) -> Place:
    return Place(x, y, angle, scale)


def _flower(petals: str, leaves: str, stem: str) -> tuple[PartPlan, ...]:
    # The calyx hides where the stem meets the petals: their outline and shadow would tell which petals they are.
    head = (
        PartPlan("petals", petals, _at(0.0, 0.0), 4),
        PartPlan("disk", "round", _at(0.0, 0.0), 5),
        PartPlan("calyx", "cupped", _at(0.0, 0.28), 6),
    )
    return (
        PartPlan("leaves", leaves, _at(0.0, 0.46), 1),
        PartPlan("stem", stem, _at(0.0, 0.27), 2),
        PartPlan("head", None, _at(0.0, -0.22), 4, head),
    )


def _bird(beak: str, tail: str, legs: str) -> tuple[PartPlan, ...]:
    eye = PartPlan("eye", "round", _at(0.035, -0.02), 8, (PartPlan("pupil", "round", _at(0.008, 0.0), 9),))
    return (
        PartPlan("legs", legs, _at(-0.02, 0.12), 1),
        PartPlan("tail", tail, _at(-0.22, 0.06, -0.20), 2),
        PartPlan("body", "plump", _at(-0.02, 0.0), 5, (PartPlan("wing", "folded", _at(0.02, -0.02, 0.1), 6),)),
        PartPlan("head", "round", _at(0.17, -0.19), 7, (PartPlan("beak", beak, _at(0.09, 0.02, 0.08), 3), eye)),
    )


def _fish(snout: str, tail: str, dorsal: str) -> tuple[PartPlan, ...]:
    eye = PartPlan("eye", "round", _at(0.17, -0.045), 8, (PartPlan("pupil", "round", _at(0.008, 0.0), 9),))
    body = (PartPlan("fin", "folded", _at(0.02, 0.07, -0.25, 0.62), 6), eye)
    return (
        PartPlan("tail", tail, _at(-0.27, 0.0, 0.0, 0.95), 1),
        PartPlan("dorsal", dorsal, _at(0.03, -0.13), 2),
        PartPlan("snout", snout, _at(0.27, 0.02), 3),
        PartPlan("body", "streamlined", _at(0.0, 0.0), 5, body),
    )


def _vehicle(cab: str, load: str, wheels: str) -> tuple[PartPlan, ...]:
    return (
        PartPlan("load", load, _at(-0.205, 0.06), 1),
        PartPlan("cab", cab, _at(0.20, 0.07), 2, (PartPlan("pane", "square", _at(0.02, -0.10), 3),)),
        PartPlan("chassis", "long", _at(0.0, 0.15), 5, (PartPlan("lamp", "round", _at(0.36, -0.01), 6),)),
        PartPlan("wheels", wheels, _at(0.0, 0.24), 7, (PartPlan("hubs", "round", _at(0.0, 0.0), 8),)),
    )


def _building(roof: str, tower: str, windows: str) -> tuple[PartPlan, ...]:
    door = PartPlan("door", "panelled", _at(0.0, 0.095), 5, (PartPlan("knob", "round", _at(0.035, 0.01), 6),))
    walls = (PartPlan("windows", windows, _at(0.0, -0.03), 4), door)
    return (
        PartPlan("tower", tower, _at(0.34, 0.12), 1),
        PartPlan("roof", roof, _at(-0.10, -0.02), 2),
        PartPlan("walls", "square", _at(-0.10, 0.19), 3, walls),
    )


_Plan = Callable[[str, str, str], tuple[PartPlan, ...]]

_FAMILIES: tuple[tuple[str, _Plan, tuple[tuple[str, str, str, str], ...]], ...] = (
    (
        "flower",
        _flower,
        (
            ("daisy", "slender", "blade", "straight"),
            ("sunflower", "slender", "oval", "bowed"),
            ("poppy", "round", "blade", "bowed"),
            ("primrose", "round", "oval", "straight"),
        ),
    ),
    (
        "bird",
        _bird,
        (
            ("finch", "short", "fan", "short"),
            ("wagtail", "short", "forked", "long"),
            ("heron", "long", "fan", "long"),
            ("tern", "long", "forked", "short"),
        ),
    ),
    (
        "fish",
        _fish,
        (
            ("goldfish", "blunt", "fan", "round"),
            ("shark", "blunt", "forked", "pointed"),
            ("pike", "long", "fan", "pointed"),
            ("swordfish", "long", "forked", "round"),
        ),
    ),
    (
        "vehicle",
        _vehicle,
        (
            ("pickup", "sloped", "flat", "small"),
            ("truck", "sloped", "box", "large"),
            ("tractor", "tall", "flat", "large"),
            ("van", "tall", "box", "small"),
        ),
    ),
    (
        "building",
        _building,
        (
            ("house", "gabled", "slim", "square"),
            ("church", "gabled", "spired", "arched"),
            ("factory", "toothed", "slim", "arched"),
            ("castle", "toothed", "spired", "square"),
        ),
    ),
)

CLASSES: dict[str, ClassPlan] = {
    label: ClassPlan(label, family, plan(*kinds)) for family, plan, rows in _FAMILIES for label, *kinds in rows
}

LABELS: tuple[str, ...] = tuple(CLASSES)


def class_plan(label: str) -> ClassPlan:
    """The plan of a class by its label. Raises TargetError with the nearest labels."""
    if label not in CLASSES:
        raise TargetError(
            f'no class "{label}" in PartWorld; expected one of {", ".join(CLASSES)}{suggestion(label, CLASSES)}'
        )
    return CLASSES[label]

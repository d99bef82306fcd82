"""Draw a scene from a seed: pose, light, colours, background, loose parts and occluders, all alike for every class."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cutaway.core.errors import OptionError, choose
from cutaway.data.partworld.backgrounds import BACKGROUNDS
from cutaway.data.partworld.classes import CLASSES, LABELS, PartPlan, class_plan
from cutaway.data.partworld.draws import Draws
from cutaway.data.partworld.palette import COLOURS, jitter
from cutaway.data.partworld.scene import VERSION, Background, Part, Place, Scene, Thing
from cutaway.data.partworld.textures import TEXTURES

SPLITS = ("train", "val", "test")

# Colours that a part has more often than others; all ten are possible everywhere. The table knows parts, not classes.
FAVOURED: dict[str, tuple[str, ...]] = {
    "leaves": ("green", "green", "green", "blue"),
    "calyx": ("green", "green", "brown"),
    "stem": ("green", "green", "brown"),
    "disk": ("yellow", "orange", "brown"),
    "petals": ("red", "pink", "yellow", "white", "purple", "orange", "blue"),
    "eye": ("white", "white", "yellow"),
    "pupil": ("black",),
    "beak": ("orange", "yellow", "black"),
    "legs": ("orange", "brown", "black"),
    "wheels": ("black", "black", "brown"),
    "hubs": ("white", "yellow", "red"),
    "pane": ("white", "blue", "yellow"),
    "windows": ("white", "blue", "yellow"),
    "lamp": ("yellow", "white", "orange"),
    "door": ("brown", "red", "blue", "green"),
    "knob": ("yellow", "white", "black"),
    "roof": ("red", "brown", "blue", "purple"),
}
# The share of scenes that leave out a part: never two, so that two of the three deciding parts always remain, and never
# one that holds the object together.
MISSING = 0.15
CORES = frozenset({"head", "body", "chassis", "walls", "petals", "calyx"})
# Parts too slender for a pattern at 64 pixels.
FINE = frozenset({"eye", "pupil", "hubs", "pane", "lamp", "knob", "stem", "calyx", "legs", "beak", "snout"})


def sample_scene(
    seed: int, index: int, split: str = "train", label: str | None = None, background: str | None = None
) -> Scene:
    """The scene number `index` of a split: the same for the same arguments, on any machine, in any order.

    Without a `label` the classes take turns. A given background replaces the drawn one and changes nothing else.
    """
    if index < 0 or seed < 0:
        raise OptionError(f"seed {seed} and index {index}; expected whole numbers from 0 up; try seed 0")
    choose(split, SPLITS, "split")
    draws = Draws(VERSION, SPLITS.index(split), seed, index)
    label = LABELS[index % len(LABELS)] if label is None else class_plan(label).label
    ground = draws.pick(tuple(BACKGROUNDS))
    ground = ground if background is None else choose(background, BACKGROUNDS, "background")
    numbers = tuple(draws.uniform() for _ in range(8))
    light = draws.uniform(-1.0, 1.0)
    whole = _whole(draws, label)
    loose = [_loose(draws, i, label) for i in range(int(draws.uniform(0.0, 3.999)))]
    occluders = [_occluder(draws)] if draws.chance(0.35) else []
    return Scene(label, Background(ground, numbers), light, (*loose, whole, *occluders))


def _whole(draws: Draws, label: str) -> Thing:
    scale = draws.uniform(0.66, 0.86)
    place = Place(
        draws.uniform(0.5 - 0.07, 0.5 + 0.07), draws.uniform(0.5 - 0.05, 0.5 + 0.05), draws.uniform(-0.16, 0.16), scale
    )
    mirrored = draws.chance(0.5)
    plan = class_plan(label).parts
    omitted = _omitted(draws, plan)
    return Thing("object", label, place, mirrored, _parts(draws, plan, omitted, above=""))


def _omitted(draws: Draws, plan: Sequence[PartPlan]) -> str:
    """The name of the one part that this scene leaves out, or nothing."""
    names = [inner.name for part in plan for inner in (part, *part.parts) if inner.name not in CORES]
    missing, name = draws.chance(MISSING), draws.pick(names)
    return name if missing else ""


def _parts(draws: Draws, plan: Sequence[PartPlan], omitted: str, above: str) -> tuple[Part, ...]:
    """The parts of a plan with drawn looks; every part draws the same count of numbers, missing or not."""
    made = [(_part(draws, part, omitted, above), part.name) for part in plan]
    return tuple(part for part, name in made if name != omitted)


def _part(draws: Draws, plan: PartPlan, omitted: str, above: str) -> Part:
    colour, texture = _colour(draws, plan.name, above), _texture(draws, plan.name)
    tone = jitter(COLOURS[colour], draws.uniform(-0.012, 0.012), draws.uniform(-0.035, 0.035))
    place = Place(
        round(plan.place.x + draws.uniform(-0.006, 0.006), 4),
        round(plan.place.y + draws.uniform(-0.006, 0.006), 4),
        round(plan.place.angle + draws.uniform(-0.04, 0.04), 4),
        round(plan.place.scale * draws.uniform(0.95, 1.05), 4),
    )
    parts = _parts(draws, plan.parts, omitted, colour if plan.kind else above)
    if plan.kind is None:
        return Part(plan.name, None, None, None, (0.0, 0.0, 0.0), place, plan.depth, parts)
    return Part(plan.name, plan.kind, colour, texture, tone, place, plan.depth, parts)


def _colour(draws: Draws, name: str, above: str) -> str:
    """A colour unlike that of the part beneath."""
    names = FAVOURED.get(name, tuple(COLOURS)) if draws.chance(0.6) else tuple(COLOURS)
    colour, spare = draws.pick(names), draws.pick([c for c in COLOURS if c != above])
    return spare if colour == above else colour


def _texture(draws: Draws, name: str) -> str:
    textured, texture = draws.chance(0.4), draws.pick([t for t in TEXTURES if t != "plain"])
    return texture if textured and name not in FINE else "plain"


def _loose(draws: Draws, number: int, label: str) -> Thing:
    """A small part of some class that lies about: of the same family every second time, so that parts alone mislead."""
    family = CLASSES[label].family
    kin = [other for other in LABELS if CLASSES[other].family == family]
    plan = class_plan(draws.pick(kin if draws.chance(0.5) else LABELS))
    choices = [part for part in plan.parts if part.kind is not None]
    part = choices[int(draws.uniform(0.0, len(choices) - 0.001))]
    around = draws.uniform(0.0, 2 * math.pi)
    x, y = 0.5 + 0.52 * math.cos(around), 0.5 + 0.52 * math.sin(around)
    place = Place(
        round(min(max(x, 0.08), 0.92), 4),
        round(min(max(y, 0.08), 0.92), 4),
        draws.uniform(0.0, 2 * math.pi),
        draws.uniform(0.34, 0.5),
    )
    made = _part(draws, part, "", "")
    centred = Part(made.name, made.kind, made.colour, made.texture, made.tone, Place(), made.depth, made.parts)
    return Thing("distractor", f"distractor-{number + 1}", place, draws.chance(0.5), (centred,))


def _occluder(draws: Draws) -> Thing:
    """Something in front, growing in from an edge: grass blades, a leafy twig, a post or a ball."""
    name = draws.pick(("leaves", "leaves", "stem", "disk"))
    kind = {"leaves": draws.pick(("blade", "oval")), "stem": "straight", "disk": "round"}[name]
    colour = _colour(draws, name, "")
    tone = jitter(COLOURS[colour], draws.uniform(-0.012, 0.012), draws.uniform(-0.035, 0.035))
    side = draws.pick(("bottom", "bottom", "left", "right"))
    along, scale = draws.uniform(0.15, 0.85), draws.uniform(0.6, 0.9)
    spot = {"bottom": (along, 0.97, 0.0), "left": (0.03, along, 0.5 * math.pi), "right": (0.97, along, -0.5 * math.pi)}[
        side
    ]
    place = Place(spot[0], spot[1], round(spot[2] + draws.uniform(-0.2, 0.2), 4), scale)
    part = Part(name, kind, colour, _texture(draws, name), tone, Place(), 1)
    return Thing("occluder", "occluder-1", place, draws.chance(0.5), (part,))

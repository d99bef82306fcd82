"""Single statements about a scene, and whether they hold in it: the ground truth that captions are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cutaway.core.errors import OptionError
from cutaway.data.partworld.classes import class_plan
from cutaway.data.partworld.render import centres
from cutaway.data.partworld.scene import Part, Scene, walk

# Two parts lie beside or above each other where their centres differ by this share of the picture's side.
CLEARLY = 0.06
SIDEWAYS = 0.35


@dataclass(frozen=True)
class Fact:
    """One statement: `about` a part by its name, or "" for the scene; `holds` False where the caption denies it.

    Attributes of the scene: label, family, background, light, facing, and has (`value` is a part that is there; `about`
    may name its owner). Attributes of a part: kind, colour, texture, left_of, above (`value` is the other part).
    """

    about: str
    attribute: str
    value: str
    holds: bool = True


def light_side(scene: Scene) -> str:
    """Where the light comes from: "left", "above" or "right"."""
    return "above" if abs(scene.light) < SIDEWAYS else "right" if scene.light > 0 else "left"


def facing(scene: Scene) -> str:
    """The side that the object's front (+x of its frame) is turned to."""
    return "left" if scene.whole.mirrored else "right"


def is_true(fact: Fact, scene: Scene) -> bool:
    """Whether the scene is as the fact says. A statement about a part that is not there is false, denied or not."""
    parts = {path.rsplit("/", 1)[-1]: (path, part) for path, part in walk(scene.whole.parts)}
    if fact.attribute == "has":
        return _has(fact, parts) == fact.holds
    if fact.about == "":
        return (_of_scene(scene)[fact.attribute] == fact.value) == fact.holds
    if fact.about not in parts:
        return False
    if fact.attribute in ("left_of", "above"):
        return fact.value in parts and _beside(fact, scene, parts) == fact.holds
    part = parts[fact.about][1]
    return (
        {"kind": part.kind, "colour": part.colour, "texture": part.texture}[fact.attribute] == fact.value
    ) == fact.holds


def _has(fact: Fact, parts: Mapping[str, tuple[str, Part]]) -> bool:
    if fact.value not in parts:
        return False
    owner = parts[fact.value][0].rpartition("/")[0].rpartition("/")[2]
    return fact.about in ("", owner)


def _of_scene(scene: Scene) -> dict[str, str]:
    return {
        "label": scene.label,
        "family": class_plan(scene.label).family,
        "background": scene.background.name,
        "light": light_side(scene),
        "facing": facing(scene),
    }


def _beside(fact: Fact, scene: Scene, parts: Mapping[str, tuple[str, Part]]) -> bool:
    places = centres(scene)
    one, other = places[parts[fact.about][0]], places[parts[fact.value][0]]
    axis = 0 if fact.attribute == "left_of" else 1
    return other[axis] - one[axis] >= CLEARLY


def all_facts(scene: Scene) -> frozenset[Fact]:
    """Every part with its attributes, and what is told of the scene: what its captions together have to mention."""
    told = {
        Fact("", attribute, value)
        for attribute, value in _of_scene(scene).items()
        if attribute not in ("family", "facing")
    }
    for path, part in walk(scene.whole.parts):
        name = path.rsplit("/", 1)[-1]
        told.add(Fact("", "has", name))
        looks = {"kind": part.kind, "colour": part.colour, "texture": part.texture}
        told |= {Fact(name, attribute, value) for attribute, value in looks.items() if value is not None}
    return frozenset(told)


def check_attribute(attribute: str) -> str:
    """The name of a part's attribute. Raises OptionError with those there are."""
    if attribute not in ("kind", "colour", "texture"):
        raise OptionError(f'no attribute "{attribute}"; expected one of kind, colour, texture; try "colour"')
    return attribute

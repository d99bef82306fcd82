"""What if: the same scene with one thing changed. All that is not touched stays equal to the bit.

Scenes in, scenes out. Paths name the object's parts ("head/petals"); a part takes its own parts with it.
Places are shares of the picture's side.
"""

from __future__ import annotations

import math
from dataclasses import replace

from cutaway.core.errors import OptionError, choose
from cutaway.data.partworld.backgrounds import BACKGROUNDS
from cutaway.data.partworld.draws import Draws
from cutaway.data.partworld.facts import check_attribute
from cutaway.data.partworld.palette import COLOURS
from cutaway.data.partworld.parts import KINDS
from cutaway.data.partworld.render import Frame, frame_of, middle
from cutaway.data.partworld.scene import Part, Place, Scene, Thing, find, with_part, with_whole
from cutaway.data.partworld.textures import TEXTURES


def without_part(scene: Scene, path: str) -> Scene:
    """The scene whose object lacks a part and that part's own parts."""
    find(scene, path)
    return _changed(scene, path, None)


def without_object(scene: Scene) -> Scene:
    """The scene with an object that has no parts left: background, loose parts and occluders alone."""
    return with_whole(scene, replace(scene.whole, parts=()))


def with_attribute(scene: Scene, path: str, attribute: str, value: str) -> Scene:
    """The scene in which a part has another colour, texture or kind. Raises OptionError for unknown values."""
    part = find(scene, path)
    check_attribute(attribute)
    if part.kind is None:
        raise OptionError(
            f'"{path}" only groups its parts and has no {attribute}; expected a drawn part; try one of its own parts'
        )
    if attribute == "kind":
        return _changed(scene, path, replace(part, kind=choose(value, KINDS[part.name], f"kind of {part.name}")))
    if attribute == "texture":
        return _changed(scene, path, replace(part, texture=choose(value, TEXTURES, "texture")))
    return _changed(scene, path, replace(part, colour=choose(value, COLOURS, "colour"), tone=COLOURS[value]))


def moved(scene: Scene, path: str, dx: float, dy: float) -> Scene:
    """The scene with a part moved to the right by `dx` and down by `dy`, in shares of the picture's side."""
    part = find(scene, path)
    _within("a move", (dx, dy), -1.0, 1.0)
    step = complex(dx, dy) / _frame_above(scene, path).turn
    x = part.place.x + (-step.real if scene.whole.mirrored else step.real)
    return _changed(scene, path, replace(part, place=replace(part.place, x=x, y=part.place.y + step.imag)))


def enlarged(scene: Scene, path: str, factor: float) -> Scene:
    """The scene with a part (and its own parts) `factor` times as large, about the point where it is attached."""
    part = find(scene, path)
    _within("a factor", (factor,), 0.1, 4.0)
    return _changed(scene, path, replace(part, place=replace(part.place, scale=part.place.scale * factor)))


def pasted(scene: Scene, path: str, x: float, y: float) -> Scene:
    """The scene with a copy of a part laid over it, its middle at (x, y) in shares of the picture's side."""
    part = find(scene, path)
    _within("a place", (x, y), 0.0, 1.0)
    above = _frame_above(scene, path)
    shift = complex(x, y) - middle(part, above.within(part.place))
    origin = above.origin + shift
    place = Place(origin.real, origin.imag, math.atan2(above.turn.imag, above.turn.real), abs(above.turn))
    number = 1 + sum(thing.role == "pasted" for thing in scene.things)
    copy = Thing("pasted", f"pasted-{number}", place, scene.whole.mirrored, (part,))
    after = scene.things.index(scene.whole) + number
    return replace(scene, things=(*scene.things[:after], copy, *scene.things[after:]))


def with_background(scene: Scene, name: str) -> Scene:
    """The scene in front of another background."""
    return replace(scene, background=replace(scene.background, name=choose(name, BACKGROUNDS, "background")))


def shuffled(scene: Scene, seed: int = 0) -> Scene:
    """A bag of parts: the object's main parts trade places, no part keeps its own (where there are two or more)."""
    paths = [part.name for part in scene.whole.parts]
    frame = frame_of(scene.whole)
    spots = {part.name: middle(part, frame.within(part.place)) for part in scene.whole.parts}
    order = Draws(seed, 12).shuffled(paths)
    goals = dict(zip(order, [*order[1:], order[0]], strict=True)) if order else {}
    for path in paths:
        way = spots[goals[path]] - spots[path]
        scene = moved(scene, path, way.real, way.imag)
    return scene


def _changed(scene: Scene, path: str, new: Part | None) -> Scene:
    return with_whole(scene, replace(scene.whole, parts=with_part(scene.whole.parts, path, new)))


def _frame_above(scene: Scene, path: str) -> Frame:
    """The frame that a part is placed in."""
    frame, parts = frame_of(scene.whole), scene.whole.parts
    for name in path.split("/")[:-1]:
        part = next(part for part in parts if part.name == name)
        frame, parts = frame.within(part.place), part.parts
    return frame


def _within(what: str, numbers: tuple[float, ...], low: float, high: float) -> None:
    if not all(low <= number <= high for number in numbers):
        raise OptionError(f"{what} of {', '.join(map(str, numbers))}; expected {low} to {high}; try {(low + high) / 2}")

"""A scene is data: what is where, of which kind, colour and texture, in which light. It goes to JSON and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from cutaway.core.errors import DataError, OptionError, suggestion

VERSION = 1

ROLES = ("distractor", "object", "pasted", "occluder", "mark")


@dataclass(frozen=True)
class Place:
    """Where a frame lies in its parent's: origin (in the parent's units), turn (radians, clockwise), scale."""

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Part:
    """One part and its own parts. A part without a `kind` only groups others.

    `tone` is the exact RGB in [0, 1] of the named `colour`; `depth` says what lies in front within one thing.
    """

    name: str
    kind: str | None
    colour: str | None
    texture: str | None
    tone: tuple[float, float, float]
    place: Place
    depth: int
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Thing:
    """Something in the scene: the object, a loose part that lies about, an occluder, a mark or a pasted part."""

    role: str
    name: str
    place: Place
    mirrored: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Background:
    """A named background and the numbers in [0, 1] that set its hills, clouds or stones."""

    name: str
    draws: tuple[float, ...]


@dataclass(frozen=True)
class Scene:
    """A label, a background, a light (radians; 0 from above, positive from the right) and things from back to front."""

    label: str
    background: Background
    light: float
    things: tuple[Thing, ...]
    version: int = VERSION

    @property
    def whole(self) -> Thing:
        """The object that the label names."""
        for thing in self.things:
            if thing.role == "object":
                return thing
        raise DataError(f"a scene of {self.label} without an object; expected one thing of that role; sample it again")

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back to an equal scene."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Scene:
        """The scene in a JSON text. Raises DataError for other text and for scenes of another version."""
        try:
            data = json.loads(text)
            version = data["version"]
        except (ValueError, TypeError, KeyError):
            raise DataError(f"{text[:40]!r} is no scene; expected JSON as Scene.to_json writes it") from None
        if version != VERSION:
            raise DataError(f"a scene of version {version}; expected version {VERSION}; sample it again")
        try:
            return _checked(_scene(data))
        except (TypeError, KeyError) as fault:
            raise DataError(f"a scene with a wrong field ({fault}); expected JSON as Scene.to_json writes it") from None


def _scene(data: dict[str, Any]) -> Scene:
    ground = data["background"]
    return Scene(
        label=data["label"],
        background=Background(ground["name"], tuple(ground["draws"])),
        light=data["light"],
        things=tuple(
            Thing(**{**thing, "place": Place(**thing["place"]), "parts": _parts(thing["parts"])})
            for thing in data["things"]
        ),
        version=data["version"],
    )


def _checked(scene: Scene) -> Scene:
    """A scene that can be drawn: an object, known roles, numbers that are finite and scales that are not zero."""
    parts = [part for thing in scene.things for _, part in walk(thing.parts)]
    places = [*(thing.place for thing in scene.things), *(part.place for part in parts)]
    numbers = [scene.light, *scene.background.draws, *(v for p in places for v in (p.x, p.y, p.angle, p.scale))]
    numbers += [channel for part in parts for channel in part.tone]
    roles = {thing.role for thing in scene.things}
    if not all(isinstance(number, (int, float)) and math.isfinite(number) for number in numbers):
        raise TypeError("a number that is none")
    if not roles <= set(ROLES) or not all(place.scale > 0 for place in places) or len(scene.background.draws) != 8:
        raise TypeError("an unknown role, a scale of zero or a background without its eight numbers")
    _ = scene.whole
    return scene


def _parts(data: list[dict[str, Any]]) -> tuple[Part, ...]:
    return tuple(
        Part(**{**part, "tone": tuple(part["tone"]), "place": Place(**part["place"]), "parts": _parts(part["parts"])})
        for part in data
    )


def walk(parts: tuple[Part, ...], above: str = "") -> Iterator[tuple[str, Part]]:
    """Every part with its path ("head/petals"), a parent before its children."""
    for part in parts:
        path = above + part.name
        yield path, part
        if part.parts:
            yield from walk(part.parts, path + "/")


def find(scene: Scene, path: str) -> Part:
    """The object's part at a path. Raises OptionError with the paths there are."""
    paths = dict(walk(scene.whole.parts))
    if path not in paths:
        raise OptionError(
            f'no part "{path}" in this {scene.label}; expected one of {", ".join(paths)}{suggestion(path, paths)}'
        )
    return paths[path]


def with_part(parts: tuple[Part, ...], path: str, new: Part | None) -> tuple[Part, ...]:
    """The parts with the one at the path replaced, or left out where `new` is None; all others are the same objects."""
    first, _, rest = path.partition("/")
    changed: list[Part] = []
    for part in parts:
        if part.name != first:
            changed.append(part)
        elif rest:
            changed.append(replace(part, parts=with_part(part.parts, rest, new)))
        elif new is not None:
            changed.append(new)
    return tuple(changed)


def with_whole(scene: Scene, whole: Thing) -> Scene:
    """The scene with another object in the place of its own."""
    return replace(scene, things=tuple(whole if thing.role == "object" else thing for thing in scene.things))

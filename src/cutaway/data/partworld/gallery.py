"""PartWorld on one page: classes, anatomy, captions, counterfactuals, biased variants; self-contained."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from jinja2 import Environment, PackageLoader
from PIL import Image

from cutaway.core.cache import write_atomically
from cutaway.data.partworld.backgrounds import BACKGROUNDS
from cutaway.data.partworld.bias import Bias, biased
from cutaway.data.partworld.captions import captions
from cutaway.data.partworld.classes import CLASSES, LABELS
from cutaway.data.partworld.counterfactuals import (
    enlarged,
    moved,
    pasted,
    shuffled,
    with_attribute,
    with_background,
    without_part,
)
from cutaway.data.partworld.facts import all_facts
from cutaway.data.partworld.palette import COLOURS
from cutaway.data.partworld.reading import parse
from cutaway.data.partworld.render import Mask, Rendering, render
from cutaway.data.partworld.sample import sample_scene
from cutaway.data.partworld.scene import Scene, find, walk
from cutaway.data.partworld.textures import TEXTURES

Picture = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Card:
    """A picture with a line of text, and smaller text under it."""

    source: str
    title: str
    text: str = ""


def write_gallery(path: Path, seed: int = 7) -> Path:
    """Draw the gallery page into a file and return its path; the same seed gives the same page."""
    environment = Environment(loader=PackageLoader("cutaway.data.partworld", "."), autoescape=True)
    page = environment.get_template("gallery.html.jinja").render(
        hero=[Card(shown(sample_scene(seed, index)), sample_scene(seed, index).label) for index in HERO],
        families=families(seed),
        anatomy=anatomy(complete(seed, "finch", "meadow")),
        changes=changes(seed),
        backgrounds=[
            Card(shown(sample_scene(seed, 2, label="heron", background=name), 128), name) for name in BACKGROUNDS
        ],
        colours={name: f"rgb({r * 255:.0f} {g * 255:.0f} {b * 255:.0f})" for name, (r, g, b) in COLOURS.items()},
        textures=[Card(shown(with_attribute(plain(seed), "body", "texture", name), 128), name) for name in TEXTURES],
        sizes=[Card(shown(sample_scene(seed, 3), size), f"{size} px") for size in (32, 64, 128, 256)],
        biases=biases(seed),
        labels=LABELS,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda beside: beside.write_text(page, encoding="utf-8"))
    return path


HERO = (0, 7, 9, 13, 19, 22, 31, 36)


def plain(seed: int) -> Scene:
    """A fish to show textures on."""
    return with_attribute(complete(seed, "goldfish", "sea"), "body", "colour", "orange")


def complete(seed: int, label: str, background: str) -> Scene:
    """The first scene of a class in which no part is missing and nothing lies about or in front."""
    scenes = (sample_scene(seed, index, label=label, background=background) for index in count())
    paths = {path for scene in islice(scenes, 20) for path, _ in walk(scene.whole.parts)}
    return next(s for s in scenes if {path for path, _ in walk(s.whole.parts)} == paths and len(s.things) == 1)


def families(seed: int) -> dict[str, list[Card]]:
    """For each family its four classes, each with the three kinds that settle it."""
    table: dict[str, list[Card]] = {}
    for number, (label, plan) in enumerate(CLASSES.items()):
        scene = sample_scene(seed + 1, 20 + number, label=label)
        told = ", ".join(f"{kind} {name}" for name, kind in deciding(label))
        table.setdefault(plan.family, []).append(Card(shown(scene, 192), label, told))
    return table


def deciding(label: str) -> list[tuple[str, str]]:
    """The parts whose kinds set a class apart from the others of its family, by name and kind."""
    family = [own for own in CLASSES if CLASSES[own].family == CLASSES[label].family]
    kinds = {own: _kinds(sample_scene(0, 0, label=own)) for own in family}
    return [(name, kind) for name, kind in kinds[label] if not all((name, kind) in kinds[own] for own in family)]


def _kinds(scene: Scene) -> list[tuple[str, str]]:
    return [(part.name, part.kind) for _, part in walk(scene.whole.parts) if part.kind is not None]


def anatomy(scene: Scene, size: int = 256) -> dict[str, object]:
    """One scene taken apart: its picture, a card for each part with its mask lit, its captions and its facts."""
    rendering = render(scene, size)
    parts = [
        Card(source(lit(rendering, path)), path, _look(scene, path, rendering)) for path, _ in walk(scene.whole.parts)
    ]
    told = captions(scene, 3)
    return {
        "picture": source(rendering.picture),
        "parts": parts,
        "captions": [(caption, len(parse(caption))) for caption in told],
        "facts": len(all_facts(scene)),
        "label": scene.label,
        "bytes": len(scene.to_json()),
    }


def _look(scene: Scene, path: str, rendering: Rendering) -> str:
    part = find(scene, path)
    look = f"{part.texture} {part.colour}, {part.kind}" if part.kind else "a group of parts"
    return f"{look}; {rendering.visible[path]:.0%} visible"


def lit(rendering: Rendering, path: str) -> Picture:
    """The picture with all but one part faded, and the part's shadow tinted."""
    grey = rendering.picture.mean(axis=-1, keepdims=True) * 0.25 + 180
    faded = np.broadcast_to(grey, rendering.picture.shape).astype(np.uint8).copy()
    _tint(faded, rendering.shadows[path], (120, 110, 170))
    faded[rendering.masks[path]] = rendering.picture[rendering.masks[path]]
    return faded


def _tint(picture: Picture, mask: Mask, tone: tuple[int, int, int]) -> None:
    picture[mask] = (0.55 * picture[mask] + 0.45 * np.array(tone)).astype(np.uint8)


def changes(seed: int) -> list[Card]:
    """One scene and what the counterfactual functions make of it."""
    scene = complete(seed, "truck", "sea")
    made = [
        (scene, "the scene", "as it was sampled"),
        (without_part(scene, "wheels"), "without a part", 'without_part(scene, "wheels")'),
        (with_attribute(scene, "load", "colour", "purple"), "another colour", '"load", "colour", "purple"'),
        (with_attribute(scene, "cab", "texture", "spotted"), "another texture", '"cab", "texture", "spotted"'),
        (with_attribute(scene, "cab", "kind", "tall"), "another kind", '"cab", "kind", "tall"'),
        (moved(scene, "load", 0.05, -0.18), "a part moved", 'moved(scene, "load", 0.05, -0.18)'),
        (enlarged(scene, "wheels", 1.5), "a part enlarged", 'enlarged(scene, "wheels", 1.5)'),
        (pasted(scene, "cab", 0.25, 0.2), "a part pasted", 'pasted(scene, "cab", 0.25, 0.2)'),
        (with_background(scene, "night"), "another background", 'with_background(scene, "night")'),
        (shuffled(scene, 4), "a bag of parts", "shuffled(scene, 4)"),
    ]
    return [Card(shown(one, 192), title, text) for one, title, text in made]


def biases(seed: int) -> list[Card]:
    """What goes with a class in the flawed worlds, three pictures of one class each."""
    cards = []
    for what in ("background", "mark"):
        for index in range(3):
            scene = biased(sample_scene(seed, 60 + index, label="heron"), Bias(what, 1.0), seed, index)
            cards.append(Card(shown(scene, 160), f"heron, {what} bias"))
    return cards


def shown(scene: Scene, size: int = 256) -> str:
    """A scene as the source of an HTML picture."""
    return source(render(scene, size).picture)


def source(picture: Picture) -> str:
    """A picture as a data URI (PNG)."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

"""True sentences about a scene, from eight families of templates, in changing words.

A template is text with slots; `reading` turns the same templates into patterns and reads each sentence back into facts.
Families can be held out, to see whether a network or a naming only knows sentences of the forms it has met.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from cutaway.core.errors import choose
from cutaway.data.partworld.classes import PartPlan, class_plan
from cutaway.data.partworld.draws import Draws
from cutaway.data.partworld.facts import CLEARLY, facing, light_side
from cutaway.data.partworld.palette import COLOURS
from cutaway.data.partworld.render import centres
from cutaway.data.partworld.scene import Part, Scene, walk
from cutaway.data.partworld.textures import TEXTURES
from cutaway.data.partworld.words import (
    COLOUR_WORDS,
    FACINGS,
    GROUNDS,
    KIND_WORDS,
    LIGHTS,
    PARTS,
    PLURAL,
    TEXTURE_WORDS,
    article,
)

TEMPLATES: dict[str, tuple[str, ...]] = {
    "label": ("a {label} {ground}", "a picture of a {label} {ground}", "this {family}, {ground}, is a {label}"),
    "look": ("a {label} with {phrase}", "a {label} that has {phrase}", "{phrase} on a {label}"),
    "pair": ("a {label} with {phrase} and {phrase}", "we see {phrase} and {phrase} on the {label}"),
    "full": ("the {label} has {list}", "parts of this {label}: {list}"),
    "belongs": ("the {part} of the {label} {have} {phrase}", "{phrase} on the {part} of a {label}"),
    "scene": ("a {label} {facing}, {light}, {ground}", "{light} and {facing}: a {label} {ground}"),
    "place": (
        "the {part} of the {label} {verb} to the left of its {other}",
        "the {other} of the {label} {verb} to the right of its {part}",
        "the {part} of the {label} {verb} above its {other}",
        "the {other} of the {label} {verb} below its {part}",
    ),
    "negative": (
        "a {label} without {bare}",
        "this {label} has no {part}",
        "a {label} whose {part} {verb} not {colour}",
        "the {part} of the {label} {verb} not {texture}",
    ),
}

FAMILIES: tuple[str, ...] = tuple(TEMPLATES)
FRONTED = frozenset({"bird", "fish", "vehicle"})

Slots = dict[str, str]


class _Teller:
    """One scene and the draws that choose its words."""

    def __init__(self, scene: Scene, draws: Draws) -> None:
        self.scene, self.draws = scene, draws
        self.parts = list(walk(scene.whole.parts))
        self.drawn = [part for _, part in self.parts if part.kind is not None]
        self.family = class_plan(scene.label).family

    def noun(self, name: str) -> str:
        return self.draws.pick(PARTS[name])

    def ground(self) -> str:
        return self.draws.pick(GROUNDS[self.scene.background.name])

    def phrase(self, part: Part, complete: bool = False) -> str:
        """A part with one or all of its attributes: "spotted red round petals"."""
        if part.kind is None or part.colour is None or part.texture is None:
            return article(self.noun(part.name), part.name in PLURAL)
        words = [
            self.draws.pick(table[value])
            for table, value in ((TEXTURE_WORDS, part.texture), (COLOUR_WORDS, part.colour), (KIND_WORDS, part.kind))
        ]
        told = words if complete else self._some(words)
        return article(" ".join((*told, self.noun(part.name))), part.name in PLURAL)

    def _some(self, words: list[str]) -> list[str]:
        first = int(self.draws.number() * 3)
        return [word for i, word in enumerate(words) if i == first or self.draws.chance(0.25)]

    def fill(self, template: str, **slots: str) -> str:
        return template.format(label=self.scene.label, family=self.family, **slots)


def captions(
    scene: Scene, seed: int = 0, families: Sequence[str] = FAMILIES, hold_out: Collection[str] = ()
) -> tuple[str, ...]:
    """One true sentence of each template family (all but those held out), the same for the same seed.

    Raises OptionError for a family that is not in FAMILIES.
    """
    for family in (*families, *hold_out):
        choose(family, FAMILIES, "caption family")
    teller = _Teller(scene, Draws(seed, 11))
    return tuple(_TELL[family](teller, TEMPLATES[family]) for family in families if family not in hold_out)


def _label(teller: _Teller, templates: Sequence[str]) -> str:
    return teller.fill(teller.draws.pick(templates), ground=teller.ground())


def _look(teller: _Teller, templates: Sequence[str]) -> str:
    return teller.fill(teller.draws.pick(templates), phrase=teller.phrase(teller.draws.pick(teller.drawn)))


def _pair(teller: _Teller, templates: Sequence[str]) -> str:
    one, other = teller.draws.shuffled(teller.drawn)[:2]
    sentence = teller.draws.pick(templates).replace("{phrase}", "{one}", 1).replace("{phrase}", "{other}", 1)
    return teller.fill(sentence, one=teller.phrase(one), other=teller.phrase(other))


def _full(teller: _Teller, templates: Sequence[str]) -> str:
    told = [teller.phrase(part, complete=True) for part in teller.draws.shuffled([part for _, part in teller.parts])]
    return teller.fill(teller.draws.pick(templates), list=", ".join(told[:-1]) + " and " + told[-1])


def _belongs(teller: _Teller, templates: Sequence[str]) -> str:
    owners = [part for _, part in teller.parts if part.parts]
    if not owners:
        return _look(teller, TEMPLATES["look"])
    owner = teller.draws.pick(owners)
    phrase = teller.phrase(teller.draws.pick(owner.parts))
    have = "have" if owner.name in PLURAL else "has"
    return teller.fill(teller.draws.pick(templates), part=teller.noun(owner.name), have=have, phrase=phrase)


def _scene(teller: _Teller, templates: Sequence[str]) -> str:
    sentence = teller.draws.pick(templates)
    if teller.family not in FRONTED:
        sentence = sentence.replace(" {facing},", "", 1).replace(" and {facing}", "", 1)
    facing_words = teller.draws.pick(FACINGS[facing(teller.scene)])
    light = teller.draws.pick(LIGHTS[light_side(teller.scene)])
    return teller.fill(sentence, facing=facing_words, light=light, ground=teller.ground())


def _place(teller: _Teller, templates: Sequence[str]) -> str:
    places = {path.rsplit("/", 1)[-1]: spot for path, spot in centres(teller.scene).items()}
    axis = int(teller.draws.number() * 2)
    for way in (axis, 1 - axis):
        for one in teller.draws.shuffled(list(places)):
            beyond = [other for other in places if places[other][way] - places[one][way] >= CLEARLY]
            if beyond:
                other = teller.draws.pick(beyond)
                sentence = teller.draws.pick(templates[2 * way : 2 * way + 2])
                first = one if sentence.startswith("the {part}") else other
                return teller.fill(sentence, part=teller.noun(one), other=teller.noun(other), verb=_verb(first))
    return _look(teller, TEMPLATES["look"])


def _negative(teller: _Teller, templates: Sequence[str]) -> str:
    missing = [
        name for name in _names(class_plan(teller.scene.label).parts) if name not in {p.name for _, p in teller.parts}
    ]
    part = teller.draws.pick(teller.drawn)
    if missing:
        name = teller.draws.pick(missing)
        bare = article(teller.noun(name), name in PLURAL)
        return teller.fill(teller.draws.pick(templates[:2]), bare=bare, part=teller.noun(name))
    choice = teller.draws.pick(templates[1:])
    if choice is templates[1]:
        strange = [name for name in PARTS if name not in _names(class_plan(teller.scene.label).parts)]
        return teller.fill(choice, part=teller.noun(teller.draws.pick(strange)))
    colour = teller.draws.pick(COLOUR_WORDS[teller.draws.pick([c for c in COLOURS if c != part.colour])])
    texture = teller.draws.pick(TEXTURE_WORDS[teller.draws.pick([t for t in TEXTURES if t != part.texture])])
    return teller.fill(choice, part=teller.noun(part.name), verb=_verb(part.name), colour=colour, texture=texture)


def _verb(name: str) -> str:
    return "are" if name in PLURAL else "is"


def _names(plan: Sequence[PartPlan]) -> list[str]:
    return [name for part in plan for name in (part.name, *_names(part.parts))]


_TELL: dict[str, Callable[[_Teller, Sequence[str]], str]] = {
    "label": _label,
    "look": _look,
    "pair": _pair,
    "full": _full,
    "belongs": _belongs,
    "scene": _scene,
    "place": _place,
    "negative": _negative,
}

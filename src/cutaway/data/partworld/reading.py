"""Read a caption back into facts. Knows the templates and the words, and nothing of the scene it was told about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from cutaway.core.errors import DataError
from cutaway.data.partworld.captions import TEMPLATES
from cutaway.data.partworld.classes import LABELS
from cutaway.data.partworld.facts import Fact, is_true
from cutaway.data.partworld.scene import Scene
from cutaway.data.partworld.words import (
    ADJECTIVES,
    COLOUR_WORDS,
    FACINGS,
    FAMILIES,
    GROUNDS,
    LIGHTS,
    PARTS,
    TEXTURE_WORDS,
    meanings,
)

_NOUNS = meanings(PARTS)
_SCENE_WORDS: Mapping[str, dict[str, str]] = {
    "label": {label: label for label in LABELS},
    "family": {family: family for family in FAMILIES},
    "ground": meanings(GROUNDS),
    "light": meanings(LIGHTS),
    "facing": meanings(FACINGS),
}


def _any(phrases: Mapping[str, object]) -> str:
    return "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))


_NOUN = _any(_NOUNS)
_PHRASE = rf"(?:an? )?(?:(?:{_any(ADJECTIVES)}) )*(?:{_NOUN})"
_SLOTS: Mapping[str, str] = {
    **{slot: _any(table) for slot, table in _SCENE_WORDS.items()},
    "part": _NOUN,
    "other": _NOUN,
    "phrase": _PHRASE,
    "list": rf"{_PHRASE}(?:, {_PHRASE})*(?: and {_PHRASE})?",
    "bare": rf"(?:an? )?(?:{_NOUN})",
    "verb": "is|are",
    "have": "has|have",
    "colour": _any(meanings(COLOUR_WORDS)),
    "texture": _any(meanings(TEXTURE_WORDS)),
}


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each template as a pattern; slots are named by their kind and their place in the template."""
    found = []
    for templates in TEMPLATES.values():
        for template in templates:
            shorter = template.replace(" {facing},", "", 1).replace(" and {facing}", "", 1)
            for form in dict.fromkeys((template, shorter)):
                pieces = re.split(r"\{(\w+)\}", form)
                pattern = "".join(
                    f"(?P<{piece}_{i}>{_SLOTS[piece]})" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)
                )
                found.append((template, re.compile(pattern)))
    return tuple(found)


def parse(caption: str) -> tuple[Fact, ...]:
    """The facts that a caption states. Raises DataError where no template fits it."""
    for template, pattern in _patterns():
        match = pattern.fullmatch(caption)
        if match:
            slots = [(key.rsplit("_", 1)[0], text) for key, text in match.groupdict().items()]
            return tuple(_facts(template, slots))
    raise DataError(
        f'"{caption}" fits no caption template; expected a sentence as cutaway.data.partworld.captions writes it'
    )


def wrong(caption: str, scene: Scene) -> tuple[Fact, ...]:
    """The facts of a caption that are not true of a scene."""
    return tuple(fact for fact in parse(caption) if not is_true(fact, scene))


def _facts(template: str, slots: list[tuple[str, str]]) -> Iterator[Fact]:
    named = dict(slots)
    for slot, text in slots:
        if slot in _SCENE_WORDS:
            yield Fact("", "background" if slot == "ground" else slot, _SCENE_WORDS[slot][text])
        elif slot in ("phrase", "list"):
            owner = _NOUNS[named["part"]] if template in TEMPLATES["belongs"] else ""
            for phrase in re.findall(_PHRASE, text):
                yield from _of_phrase(phrase, owner)
    yield from _RELATIONS.get(template, _nothing)(named)


def _of_phrase(phrase: str, owner: str) -> Iterator[Fact]:
    """ "a spotted red wing" is: there is a wing (on its owner), spotted, and red."""
    rest = re.sub(r"^an? ", "", phrase)
    noun = next(noun for noun in sorted(_NOUNS, key=len, reverse=True) if rest == noun or rest.endswith(" " + noun))
    yield Fact(owner, "has", _NOUNS[noun])
    for word in rest[: -len(noun)].split():
        attribute, value = ADJECTIVES[word]
        yield Fact(_NOUNS[noun], attribute, value)


def _nothing(slots: Mapping[str, str]) -> Iterator[Fact]:
    yield from ()


def _ordered(relation: str) -> Callable[[Mapping[str, str]], Iterator[Fact]]:
    def read(slots: Mapping[str, str]) -> Iterator[Fact]:
        yield Fact(_NOUNS[slots["part"]], relation, _NOUNS[slots["other"]])

    return read


def _without(slots: Mapping[str, str]) -> Iterator[Fact]:
    yield Fact("", "has", _NOUNS[re.sub(r"^an? ", "", slots.get("bare") or slots["part"])], holds=False)


def _unlike(attribute: str) -> Callable[[Mapping[str, str]], Iterator[Fact]]:
    def read(slots: Mapping[str, str]) -> Iterator[Fact]:
        yield Fact(_NOUNS[slots["part"]], attribute, ADJECTIVES[slots[attribute]][1], holds=False)

    return read


_RELATIONS: Mapping[str, Callable[[Mapping[str, str]], Iterator[Fact]]] = {
    **dict.fromkeys(TEMPLATES["place"][:2], _ordered("left_of")),
    **dict.fromkeys(TEMPLATES["place"][2:], _ordered("above")),
    **dict.fromkeys(TEMPLATES["negative"][:2], _without),
    TEMPLATES["negative"][2]: _unlike("colour"),
    TEMPLATES["negative"][3]: _unlike("texture"),
}

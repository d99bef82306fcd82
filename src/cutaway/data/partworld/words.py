"""The words of captions: synonyms of parts, kinds, colours, textures and backgrounds; no word means two things."""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, tuple[str, ...]]

FAMILIES: tuple[str, ...] = ("flower", "bird", "fish", "vehicle", "building")

PARTS: Words = {
    "head": ("head",),
    "petals": ("petals", "flower petals"),
    "disk": ("disk", "centre"),
    "calyx": ("calyx", "flower cup"),
    "stem": ("stem", "stalk"),
    "leaves": ("leaves", "foliage leaves"),
    "body": ("body", "torso"),
    "wing": ("wing", "side wing"),
    "eye": ("eye",),
    "pupil": ("pupil",),
    "beak": ("beak", "bill"),
    "tail": ("tail", "tail end"),
    "legs": ("legs", "bird legs"),
    "fin": ("fin", "side fin"),
    "dorsal": ("dorsal fin", "back fin"),
    "snout": ("snout", "nose"),
    "chassis": ("chassis", "undercarriage"),
    "cab": ("cab", "cabin"),
    "load": ("load", "cargo"),
    "pane": ("pane", "cab window"),
    "lamp": ("lamp", "headlight"),
    "wheels": ("wheels", "tyres"),
    "hubs": ("hubs", "hubcaps"),
    "walls": ("walls", "outer walls"),
    "roof": ("roof", "rooftop"),
    "tower": ("tower", "side tower"),
    "windows": ("windows", "wall windows"),
    "door": ("door", "front door"),
    "knob": ("knob", "doorknob"),
}

PLURAL = frozenset({"petals", "leaves", "legs", "wheels", "hubs", "walls", "windows"})

KIND_WORDS: Words = {
    "slender": ("slender", "narrow"),
    "round": ("round", "rounded"),
    "cupped": ("cupped", "cup-shaped"),
    "straight": ("straight", "upright"),
    "bowed": ("bowed", "bent"),
    "blade": ("blade-like", "grassy"),
    "oval": ("oval", "egg-shaped"),
    "plump": ("plump", "chubby"),
    "streamlined": ("streamlined", "sleek"),
    "short": ("short", "stubby"),
    "long": ("long", "lengthy"),
    "folded": ("folded", "tucked-in"),
    "fan": ("fan-shaped", "fanned"),
    "forked": ("forked", "split"),
    "pointed": ("pointed", "peaked"),
    "blunt": ("blunt", "snub"),
    "sloped": ("sloped", "slanting"),
    "tall": ("tall", "high"),
    "flat": ("flat", "low"),
    "box": ("boxy", "box-shaped"),
    "small": ("small", "little"),
    "large": ("large", "big"),
    "square": ("square", "four-cornered"),
    "gabled": ("gabled", "ridged"),
    "toothed": ("toothed", "crenellated"),
    "slim": ("slim", "thin"),
    "spired": ("spired", "steepled"),
    "arched": ("arched", "round-topped"),
    "panelled": ("panelled", "wood-panelled"),
}

COLOUR_WORDS: Words = {
    "red": ("red", "scarlet"),
    "orange": ("orange", "tangerine"),
    "yellow": ("yellow", "golden"),
    "green": ("green", "emerald"),
    "blue": ("blue", "azure"),
    "purple": ("purple", "violet"),
    "pink": ("pink", "rosy"),
    "brown": ("brown", "chestnut"),
    "white": ("white", "ivory"),
    "black": ("black", "jet-black"),
}

TEXTURE_WORDS: Words = {
    "plain": ("plain", "unpatterned"),
    "striped": ("striped", "stripy"),
    "spotted": ("spotted", "dotted"),
    "checked": ("checked", "chequered"),
}

GROUNDS: Words = {
    "meadow": ("in a meadow", "among green hills"),
    "sky": ("against a cloudy sky", "high up in the clouds"),
    "desert": ("in the desert", "among sand dunes"),
    "sea": ("by the sea", "in front of the waves"),
    "snow": ("in the snow", "on a snowy day"),
    "night": ("at night", "under the moon"),
    "dusk": ("at dusk", "at sunset"),
    "brick": ("in front of a brick wall", "before a wall of bricks"),
    "paper": ("on squared paper", "on a sheet of paper"),
    "wood": ("on wooden boards", "on a wooden table"),
}

LIGHTS: Words = {
    "left": ("lit from the left", "with light from the left"),
    "above": ("lit from above", "with light from above"),
    "right": ("lit from the right", "with light from the right"),
}

FACINGS: Words = {"left": ("facing left", "turned to the left"), "right": ("facing right", "turned to the right")}

TABLES: Mapping[str, Words] = {"texture": TEXTURE_WORDS, "colour": COLOUR_WORDS, "kind": KIND_WORDS}

# Reading: a word or phrase -> what it means.
ADJECTIVES: Mapping[str, tuple[str, str]] = {
    word: (attribute, value) for attribute, table in TABLES.items() for value, words in table.items() for word in words
}


def meanings(table: Words) -> dict[str, str]:
    """Every phrase of a table with the value it stands for."""
    return {phrase: value for value, phrases in table.items() for phrase in phrases}


def article(phrase: str, plural: bool) -> str:
    """The phrase with "a" or "an" where it needs one."""
    return phrase if plural else ("an " if phrase[0] in "aeiou" else "a ") + phrase

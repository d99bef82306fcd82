"""PartWorld: a procedural world of things made of parts, in which every answer is known."""

from cutaway.data.partworld.backgrounds import BACKGROUNDS
from cutaway.data.partworld.bias import Bias, biased
from cutaway.data.partworld.captions import FAMILIES, captions
from cutaway.data.partworld.classes import CLASSES, LABELS
from cutaway.data.partworld.counterfactuals import (
    enlarged,
    moved,
    pasted,
    shuffled,
    with_attribute,
    with_background,
    without_object,
    without_part,
)
from cutaway.data.partworld.facts import Fact, all_facts, is_true
from cutaway.data.partworld.palette import COLOURS
from cutaway.data.partworld.parts import KINDS
from cutaway.data.partworld.reading import parse
from cutaway.data.partworld.render import Rendering, render
from cutaway.data.partworld.sample import sample_scene
from cutaway.data.partworld.scene import Scene
from cutaway.data.partworld.stream import stream
from cutaway.data.partworld.textures import TEXTURES
from cutaway.data.partworld.world import PartWorld, open_partworld

__all__ = [
    "BACKGROUNDS",
    "CLASSES",
    "COLOURS",
    "FAMILIES",
    "KINDS",
    "LABELS",
    "TEXTURES",
    "Bias",
    "Fact",
    "PartWorld",
    "Rendering",
    "Scene",
    "all_facts",
    "biased",
    "captions",
    "enlarged",
    "is_true",
    "moved",
    "open_partworld",
    "parse",
    "pasted",
    "render",
    "sample_scene",
    "shuffled",
    "stream",
    "with_attribute",
    "with_background",
    "without_object",
    "without_part",
]

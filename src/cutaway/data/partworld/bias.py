"""Flawed worlds: a background or a small mark goes with the class, and a network may learn it in the class's stead."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cutaway.core.errors import OptionError, choose
from cutaway.data.partworld.backgrounds import BACKGROUNDS
from cutaway.data.partworld.classes import LABELS, class_plan
from cutaway.data.partworld.draws import Draws
from cutaway.data.partworld.palette import COLOURS
from cutaway.data.partworld.scene import Background, Part, Place, Scene, Thing

WHAT = ("background", "mark")
CORNERS = ((0.09, 0.09), (0.91, 0.09), (0.09, 0.91), (0.91, 0.91))


@dataclass(frozen=True)
class Bias:
    """`what` ("background" or "mark") is the class's own with `probability`, and else one of another class."""

    what: str
    probability: float

    def __post_init__(self) -> None:
        choose(self.what, WHAT, "bias")
        if not 0 <= self.probability <= 1:
            raise OptionError(f"a probability of {self.probability}; expected 0 to 1; try {self.what}:0.95")

    @staticmethod
    def parse(text: str) -> Bias:
        """The bias in a spec's option, "background:0.95"."""
        what, _, probability = text.partition(":")
        try:
            return Bias(what, float(probability))
        except ValueError as fault:
            if isinstance(fault, OptionError):
                raise
            raise OptionError(f'bias "{text}"; expected what:probability; try bias=background:0.95') from None


def home(label: str) -> str:
    """The background that goes with a class; classes of one family have different ones."""
    names = tuple(BACKGROUNDS)
    return names[LABELS.index(class_plan(label).label) % len(names)]


def mark(label: str, corner: int = 0) -> Thing:
    """The small mark that goes with a class, one of ten colours and two forms, in a corner of the picture."""
    number = LABELS.index(class_plan(label).label)
    colour = tuple(COLOURS)[number % len(COLOURS)]
    form = ("round", "square")[number // len(COLOURS)]
    part = Part("mark", form, colour, "plain", COLOURS[colour], Place(), 1)
    return Thing("mark", "mark", Place(*CORNERS[corner]), False, (part,))


def biased(scene: Scene, bias: Bias, seed: int = 0, index: int = 0) -> Scene:
    """The scene with its class's background or mark, or (with the rest of the probability) another class's."""
    draws = Draws(seed, index, 13)
    own = draws.chance(bias.probability)
    if bias.what == "mark":
        label = scene.label if own else draws.pick([label for label in LABELS if label != scene.label])
        return replace(scene, things=(*scene.things, mark(label, int(draws.number() * len(CORNERS)))))
    name = home(scene.label)
    name = name if own else draws.pick([other for other in BACKGROUNDS if other != name])
    return replace(scene, background=Background(name, scene.background.draws))

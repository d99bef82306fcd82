"""Objectives: what a picture is made to raise. They add, subtract and scale, so the algebra is the interface.

unit("features.12:31")                                 one picture that excites a channel
unit("features.12:31") - 0.5 * unit("features.12:7")   and not another one
units([f"features.12:{c}" for c in range(64)])         64 pictures, optimised as one batch
lambda trace: trace["features.3"].square().mean()      any function of a trace
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import OptionError
from cutaway.core.types import Unit
from cutaway.trace import Trace

TraceFunction = Callable[[Trace], Tensor]
"""Of a trace with one picture in it, one number. It may read any layer, and the logits."""


@dataclass(frozen=True)
class Term:
    """One addend of one picture's objective: `weight` times what the reading of this kind says of a layer.

    values: what the reading needs beside the layer, as plain data. function: the user's own, where kind is "function".
    """

    kind: str
    layer: str = ""
    values: tuple[int | float | str, ...] = ()
    weight: float = 1.0
    function: TraceFunction | None = None

    def plain(self) -> list[object] | None:
        """All that it depends on, for a cache; None where that is a function, which nobody can write down."""
        return None if self.function else [self.kind, self.layer, list(self.values), self.weight]

    def __str__(self) -> str:
        values = ", ".join(map(str, self.values))
        match self.kind:
            case "unit":
                named = f"{self.layer}:{values}"
            case "neuron":
                named = f"neuron({self.layer}:{values})"
            case _:
                named = f"{self.kind}({self.layer or values})"
        return named if self.weight == 1 else f"{self.weight:g} {named}"


@dataclass(frozen=True)
class Objective:
    """For each of some pictures, the terms whose sum it is to raise."""

    pictures: tuple[tuple[Term, ...], ...]

    def __len__(self) -> int:
        return len(self.pictures)

    def __add__(self, other: Objective | TraceFunction) -> Objective:
        ours, theirs = self.pictures, as_objective(other).pictures
        if len(ours) != len(theirs) and 1 not in (len(ours), len(theirs)):
            raise OptionError(
                f"objectives of {len(ours)} and {len(theirs)} pictures cannot be added; expected as many, or one"
            )
        count = max(len(ours), len(theirs))
        ours, theirs = (side * count if len(side) == 1 else side for side in (ours, theirs))
        return Objective(tuple(a + b for a, b in zip(ours, theirs, strict=True)))

    def __mul__(self, factor: int | float) -> Objective:
        scaled = [tuple(replace(t, weight=t.weight * factor) for t in terms) for terms in self.pictures]
        return Objective(tuple(scaled))

    def __neg__(self) -> Objective:
        return self * -1.0

    def __sub__(self, other: Objective | TraceFunction) -> Objective:
        return self + -as_objective(other)

    def __truediv__(self, divisor: int | float) -> Objective:
        return self * (1 / divisor)

    __rmul__ = __mul__
    __radd__ = __add__

    @property
    def names(self) -> tuple[str, ...]:
        """Each picture's objective in words."""
        return tuple(" + ".join(map(str, terms)).replace("+ -", "- ") for terms in self.pictures)


def unit(which: str | Unit) -> Objective:
    """The mean of one unit, `layer:channel`, over all its places."""
    parsed = Unit.parse(which)
    return Objective(((Term("unit", parsed.layer, (parsed.channel,)),),))


def units(which: Sequence[str | Unit]) -> Objective:
    """One picture for each unit, optimised as one batch."""
    return batch([unit(each) for each in which])


def neuron(which: str | Unit, y: int, x: int) -> Objective:
    """One unit at one place of its grid: row y, column x."""
    parsed = Unit.parse(which)
    return Objective(((Term("neuron", parsed.layer, (parsed.channel, int(y), int(x))),),))


def direction(layer: str, vector: Float[Tensor, " channels"]) -> Objective:
    """The dot product of a layer's channels with a vector, as the mean over all places."""
    return Objective(((Term("direction", layer, tuple(float(v) for v in vector)),),))


def directions(layer: str, vectors: Float[Tensor, "pictures channels"]) -> Objective:
    """One picture for each direction, optimised as one batch."""
    return batch([direction(layer, vector) for vector in vectors])


def class_score(label: str | int, *, centred: bool = True) -> Objective:
    """What speaks for a class, by its label or index: its logit, less the mean of all logits.

    A softmax does not change when all logits rise together, so that is no evidence; a picture that only raises the
    logit often ends up as another class. Networks with one score, or whose classes do not exclude each other, are
    asked for the logit itself, and so is every network with centred=False.
    """
    return Objective(((Term("class" if centred else "logit", "", (label,)),),))


def deepdream(layer: str) -> Objective:
    """Whatever the layer sees, more of it: the mean square of its activations (Mordvintsev et al. 2015)."""
    return Objective(((Term("deepdream", layer),),))


def batch(objectives: Sequence[Objective | TraceFunction | str]) -> Objective:
    """The pictures of several objectives, side by side in one batch."""
    return Objective(tuple(terms for each in objectives for terms in as_objective(each).pictures))


def as_objective(given: object) -> Objective:
    """What people give where an objective is asked: one, a unit as text, `class:label`, or a function of a trace."""
    match given:
        case Objective():
            return given
        case str() if given.startswith("class:"):
            return class_score(given.removeprefix("class:"))
        case str() | Unit():
            return unit(given)
        case _ if callable(given):
            return Objective(((Term("function", function=given),),))
    raise OptionError(
        f"a {type(given).__name__} is no objective; expected one of cutaway.featurevis, or a function of a trace; "
        'try unit("layer:channel")'
    )

"""Objectives: what a picture is made to raise. They add, subtract and scale, so the algebra is the interface.

unit("features.12:31")                                 one picture that excites a channel
unit("features.12:31") - 0.5 * unit("features.12:7")   and not another one
units([f"features.12:{c}" for c in range(64)])         64 pictures, optimised as one batch
copies(unit("a:20"), 4) - 100 * diversity("a")         four pictures of one unit that differ
interpolation(unit("a:1"), unit("a:2"), 5) + alignment("a")      from one to the other, forms kept in place
activation_match("features.5", photograph)             a caricature of what the layer sees in a picture
lambda trace: trace["features.3"].square().mean()      any function of a trace
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import OptionError, choose
from cutaway.core.types import Unit
from cutaway.data.pictures import Source, picture_from
from cutaway.featurevis.terms import ANCHORED, JOINT, Held, Term, TraceFunction


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
    def joint(self) -> bool:
        """Whether its pictures are compared with each other, and so have to be made at once."""
        return any(term.kind in JOINT for terms in self.pictures for term in terms)

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


def diversity(layer: str) -> Objective:
    """How alike the pictures of an objective are to a layer: subtract it, and they show different facets.

    For each picture the mean, over all others, of the cosine between their Gram matrices (which channels occur
    together, wherever they do), so from 0 to 1; 0 for a picture by itself. Wei et al. 2015; Olah et al. 2017.
    """
    return Objective(((Term("diversity", layer),),))


def alignment(layer: str) -> Objective:
    """How well the pictures of an objective keep to each other, in order, at every place of a layer; at most 0.

    The negative mean square difference of a picture's activations from those of its neighbours, up to four away and
    half as much with each step, as a share of their mean square. With `interpolation`, forms stay where they are
    and change by degrees (Mordvintsev et al. 2018, "Differentiable Image Parameterizations").
    """
    return Objective(((Term("alignment", layer),),))


def activation_match(layer: str, picture: Source, how: str = "caricature") -> Objective:
    """What a layer sees in a given picture, which the new one is moved together with.

    how: "caricature" is the dot product of the activations (1 for the picture itself, more for a picture that has more
    of the same) times their cosine (Olah et al. 2017). "inversion" is the negative square distance, as a share of
    the picture's own square: 0 for the picture itself, and for all that the layer cannot tell from it (Mahendran and
    Vedaldi 2015).
    """
    return Objective(((Term(choose(how, sorted(ANCHORED), "match"), layer, picture=Held.of(picture_from(picture))),),))


def copies(objective: Objective | TraceFunction | str, count: int) -> Objective:
    """An objective as often as wanted, one picture each: alike, unless something like `diversity` moves them apart."""
    if count < 1:
        raise OptionError(f"{count} copies; expected at least 1")
    return batch([objective] * count)


def interpolation(first: Objective | str, second: Objective | str, count: int) -> Objective:
    """From one objective to another in equal steps, one picture each; both ends are among them."""
    if count < 2:
        raise OptionError(f"an interpolation over {count} pictures; expected at least 2, its ends")
    ends = as_objective(first), as_objective(second)
    shares = [step / (count - 1) for step in range(count)]
    return batch([ends[0] * (1 - share) + ends[1] * share for share in shares])


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

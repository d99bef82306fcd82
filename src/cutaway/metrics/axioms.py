"""Axioms that an attribution may keep or break, as checks on a given network and inputs of any shape.

Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks".
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.attribution import Forward
from cutaway.attribution.baselines import Baseline, baseline_like
from cutaway.attribution.scores import Inputs
from cutaway.core.errors import ModelError, OptionError
from cutaway.core.seeds import generator
from cutaway.metrics.asking import score, scores
from cutaway.metrics.maps import Method, attributed, numbers
from cutaway.metrics.measured import Measured, mean_of
from cutaway.metrics.rewired import Blind, Mixed, rewired, twin
from cutaway.nets.targets import Target

EQUAL = 1e-4  # relative difference of scores below which two networks count as one function


def sensitivity(
    forward: Forward,
    method: Method,
    inputs: Inputs,
    target: Target = None,
    *,
    baseline: Baseline = 0.0,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """The share of inputs for which a feature that alone changes the score gets some of the attribution.

    Each input keeps one feature (a random square of a third of the side, or one value of a vector), all else is the
    baseline. Cases in which that leaves the score as it was say nothing and are left out of n.
    """
    places = torch.stack([_feature(inputs[0], seed, index) for index in range(len(inputs))]).to(inputs.device)
    start = baseline_like(baseline, inputs)
    single = torch.where(places, inputs, start)
    found = attributed(forward, method, single, target, batch_size, **options)
    moved = score(forward, single, found.target, batch_size) - score(forward, start, found.target, batch_size)
    given = _inside(found.values, places, inputs).abs() > 0
    return mean_of(numbers(torch.where(moved.abs() > 1e-5, given.double(), torch.nan)), seed)


def dummy(
    forward: Forward,
    method: Method,
    inputs: Inputs,
    target: Target = None,
    *,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """How much attribution goes to a feature that the score does not depend on, as a share of all; 0 keeps the axiom.

    The network is made blind to a random square of a third of the side (or one value of a vector).
    """
    place = _feature(inputs[0], seed, "dummy").to(inputs.device)
    blind = rewired(forward, lambda inner: Blind(inner, ~place))
    found = attributed(blind, method, inputs, target, batch_size, **options)
    total = found.values.abs().flatten(1).sum(dim=1).double()
    return mean_of(numbers(_inside(found.values, place.expand_as(inputs), inputs).abs().double() / total), seed)


def implementation_invariance(
    forward: Forward,
    method: Method,
    inputs: Inputs,
    target: Target = None,
    *,
    other: Forward | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """How far the attributions of two networks that compute the same function are apart, as a share; 0 keeps the axiom.

    other: the same function written otherwise; None = the network itself with its activations written otherwise.
    A ModelError if the two do not answer the same scores.
    """
    other = twin(forward, inputs) if other is None else other
    one, two = scores(forward, inputs, batch_size), scores(other, inputs, batch_size)
    if one.shape != two.shape or float((one - two).norm()) > EQUAL * float(one.norm()):
        raise ModelError("the two networks answer different scores; expected one function written in two ways")
    first = attributed(forward, method, inputs, target, batch_size, **options)
    second = attributed(other, method, inputs, first.target, batch_size, **options)
    return mean_of(numbers(_distance(first.values, second.values)), seed)


def completeness(
    forward: Forward,
    method: Method,
    inputs: Inputs,
    target: Target = None,
    *,
    baseline: Baseline = 0.0,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """|sum of the values - difference of the scores of input and baseline|, as a share of it; 0 keeps the axiom.

    Inputs whose score is the baseline's are left out of n. A method with a baseline of its own needs the same there.
    """
    found = attributed(forward, method, inputs, target, batch_size, **options)
    start = baseline_like(baseline, inputs)
    ends = [score(forward, each, found.target, batch_size).double() for each in (inputs, start)]
    difference = ends[0] - ends[1]
    gap = (found.values.double().flatten(1).sum(dim=1) - difference).abs() / difference.abs()
    return mean_of(numbers(torch.where(difference.abs() > 0, gap, torch.nan)), seed)


def linearity(
    forward: Forward,
    method: Method,
    inputs: Inputs,
    classes: tuple[int, int] = (0, 1),
    *,
    weights: tuple[float, float] = (0.6, -0.4),
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """How far the attribution of a mixture of two scores is from the mixture of their attributions, as a share.

    0 keeps the axiom. The mixture is made inside a network around the given one.
    """
    count = scores(forward, inputs[:1]).shape[1]
    if len({*classes}) < 2 or not all(0 <= one < count for one in classes):
        raise OptionError(f"classes {classes}; expected two different ones from 0 to {count - 1}")
    matrix = torch.zeros(count, 1)
    matrix[list(classes), 0] = torch.tensor(weights)
    mixture = rewired(forward, lambda inner: Mixed(inner, matrix))
    whole = attributed(mixture, method, inputs, 0, batch_size, **options).values
    parts = [attributed(forward, method, inputs, each, batch_size, **options).values for each in classes]
    return mean_of(numbers(_distance(whole, weights[0] * parts[0] + weights[1] * parts[1])), seed)


def _distance(some: Tensor, other: Tensor) -> Float[Tensor, " batch"]:
    """Norm of the difference as a share of the larger norm; NaN where both are all zero."""
    first, second = some.double().flatten(1), other.double().flatten(1)
    largest = torch.maximum(first.norm(dim=1), second.norm(dim=1))
    apart: Tensor = (first - second).norm(dim=1) / largest
    return apart


def _feature(like: Tensor, seed: int, *salt: object) -> Tensor:
    """True on one feature of an input of this shape: a square on the last two axes, or one value of a vector."""
    draw = generator(seed, "feature", *salt)
    place = torch.ones(like.shape, dtype=torch.bool)
    for axis in range(max(0, like.ndim - 2), like.ndim):
        length = like.shape[axis]
        side = max(1, length // 3) if like.ndim > 1 else 1
        start = int(torch.randint(length - side + 1, (1,), generator=draw))
        along = torch.arange(length).view(-1, *[1] * (like.ndim - 1 - axis))
        place &= (along >= start) & (along < start + side)
    return place


def _inside(values: Tensor, places: Tensor, inputs: Inputs) -> Float[Tensor, " batch"]:
    """The magnitudes of the values in the places, added up; maps without colours lie on the last axes."""
    where = places if values.shape == inputs.shape else places[:, 0]
    return (values.abs() * where).flatten(1).sum(dim=1)

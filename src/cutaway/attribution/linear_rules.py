"""Rules for layers with weights: how much relevance each value that a layer was given bears of what it answered.

Bach et al. 2015, "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation";
Montavon et al. 2019, "Layer-Wise Relevance Propagation: An Overview". Values that are negative have the signs of their
weights swapped, so that "positive" always speaks of what a value adds, not of its weight (Andéol et al. 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from cutaway.attribution.relevance import Composite, LinearRule, Step, nonzero, pulled, stabilised

STABILISER = 1e-9
"""Keeps denominators from 0, in the units of what a layer answers."""

EPSILON = 1e-6
"""As much for the epsilon rule, unless told otherwise."""


def epsilon(by: float = EPSILON) -> LinearRule:
    """By what each value adds; `by` takes relevance away from where little is added up."""

    def rule(step: Step, given: Tensor, signal: Tensor) -> Tensor:
        value = step(given, step.weight, step.bias)
        return pulled(lambda x: step(x, step.weight), given, signal * value / stabilised(value, by))

    return rule


def gamma(by: float = 0.25, bias: bool = True) -> LinearRule:
    """By what each value adds, where what argues for the value of the layer counts (1 + by) times.

    bias: whether the layer's bias takes its share, which is lost; without, all is shared out.
    """

    def rule(step: Step, given: Tensor, signal: Tensor) -> Tensor:
        value = step(given, step.weight, step.bias)
        found = torch.zeros_like(given)
        for agreeing, side in ((_positive, value > 0), (_negative, value < 0)):
            relevance = torch.where(side, signal * value, 0)
            if relevance.any():
                found += _by_parts(step, given, relevance, _plus(agreeing, by), _plus(_other(agreeing), by), bias)
        return found

    return rule


def z_plus(bias: bool = True) -> LinearRule:
    """By what each value adds, where it adds something positive; nothing to the others. bias: as for `gamma`."""

    def rule(step: Step, given: Tensor, signal: Tensor) -> Tensor:
        relevance = signal * step(given, step.weight, step.bias)
        return _by_parts(step, given, relevance, _positive, _negative, bias)

    return rule


def flat(step: Step, given: Tensor, signal: Tensor) -> Tensor:
    """To all values that a layer saw alike, whatever they are: for the layer at the input."""
    ones = torch.ones_like(step.weight)
    relevance = signal * step(given, step.weight, step.bias)
    seen = step(torch.ones_like(given), ones)
    return pulled(lambda x: step(x, ones), given, relevance / stabilised(seen, STABILISER)) / nonzero(given)


def box(low: Tensor, high: Tensor) -> LinearRule:
    """By what each value adds beyond the least that it could have: for the layer at the input, between two bounds."""

    def rule(step: Step, given: Tensor, signal: Tensor) -> Tensor:
        relevance = signal * step(given, step.weight, step.bias)
        parts = [(given, step.weight, step.bias, 1)]
        for bound, sign in ((low, _positive), (high, _negative)):
            bias = None if step.bias is None else sign(step.bias)
            parts.append((bound.to(given).expand_as(given), sign(step.weight), bias, -1))
        total = sum(side * step(value, weight, bias) for value, weight, bias, side in parts)
        each = relevance / stabilised(torch.as_tensor(total), STABILISER)
        borne = [side * at * pulled(_with(step, weight), given, each) for at, weight, _, side in parts]
        return torch.stack(borne).sum(dim=0) / nonzero(given)

    return rule


def composites(epsilon_by: float, gamma_by: float, low: Tensor, high: Tensor) -> Mapping[str, Composite]:
    """Which layer gets which rule, by name; `low`, `high` bound the values that the network sees."""
    plain, rising, plus = epsilon(epsilon_by), gamma(gamma_by), z_plus()
    return {
        "epsilon": _by_kind(plain, plain),
        "epsilon-gamma": _by_kind(rising, plain),
        "epsilon-plus": _by_kind(plus, plain),
        "z-plus": _by_kind(plus, plus),
        "epsilon-plus-flat": _by_kind(plus, plain, first=flat),
        "epsilon-gamma-box": _by_kind(rising, plain, first=box(low, high)),
    }


def _by_kind(convolution: LinearRule, linear: LinearRule, first: LinearRule | None = None) -> Composite:
    def chosen(kind: str, index: int) -> LinearRule:
        if first is not None and index == 0:
            return first
        return convolution if kind == "convolution" else linear

    return chosen


Part: TypeAlias = Callable[[Tensor], Tensor]
"""What becomes of weights."""


def _positive(weight: Tensor) -> Tensor:
    return weight.clamp(min=0)


def _negative(weight: Tensor) -> Tensor:
    return weight.clamp(max=0)


def _other(part: Part) -> Part:
    return _negative if part is _positive else _positive


def _with(step: Step, weight: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda given: step(given, weight)


def _plus(part: Part, by: float) -> Part:
    return lambda weight: weight + by * part(weight)


def _by_parts(step: Step, given: Tensor, relevance: Tensor, of_positive: Part, of_negative: Part, bias: bool) -> Tensor:
    """Relevance by what positive values add through one part of the weights, and negative values through another."""
    weights = of_positive(step.weight), of_negative(step.weight)
    values = given.clamp(min=0), given.clamp(max=0)
    mixed = bool(values[1].any())

    def added(x: Tensor, y: Tensor) -> Tensor:
        both = step(x, weights[0])
        return both + step(y, weights[1]) if mixed else both

    total = added(*values)
    if bias and step.bias is not None:
        shape = (-1,) if step.call.name == "linear" else (-1, *[1] * (total.ndim - 2))
        total = total + of_positive(step.bias).reshape(shape)
    each = relevance / stabilised(total, STABILISER)
    found = pulled(lambda x: step(x, weights[0]), given, each)
    return torch.where(given >= 0, found, pulled(lambda y: step(y, weights[1]), given, each)) if mixed else found

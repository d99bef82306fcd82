"""Gates: what a gradient is multiplied by where it passes an activation, instead of the derivative."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from cutaway.attribution.function_calls import Call

Gate: TypeAlias = "Callable[[Tensor], Tensor]"
"""How far open, from 0 to 1, by what came in as a multiple of the temperature."""

Unit: TypeAlias = "Callable[[Tensor], Tensor]"
"""What counts as much, by what came in; it has to broadcast to that."""


@dataclass(frozen=True)
class Positive:
    """Only what is positive of a gradient passes an activation, where the activation is on (or `always`)."""

    always: bool = False

    def __call__(self, call: Call) -> Tensor:
        apply: Callable[..., Tensor] = _Positive.apply
        return apply(call.given, call.value(call.given.detach()), self.always)


@dataclass(frozen=True)
class Soft:
    """A gate that opens gradually in place of the derivative.

    temperature: how gradually, and threshold: where it is half open, both in units of what comes in (`unit`, found for
    each call; 1 where there is none).
    """

    gate: Gate
    temperature: float
    threshold: float = 0.0
    unit: Unit | None = None

    def __call__(self, call: Call) -> Tensor:
        unit = 1.0 if self.unit is None else self.unit(call.given)
        given = call.given.detach()
        opened = self.gate((given / unit - self.threshold) / self.temperature)
        return gated(call.given, call.value(given), opened)


class Channels:
    """Where the channels lie, in one pass: on the last axis of what a linear layer answered, else behind the batch."""

    only_watched = True

    def __init__(self) -> None:
        self._last: weakref.ref[Tensor] | None = None

    def __call__(self, call: Call) -> Tensor:
        """The rule of linear layers: they stay as they are, and are remembered."""
        value = call.value()
        self._last = weakref.ref(value)
        return value

    def spread(self, given: Tensor) -> Tensor:
        """The standard deviation over the channels at each place."""
        last = self._last is not None and self._last() is given
        return given.detach().std(dim=-1 if last else 1, correction=0, keepdim=True).clamp(min=1e-12)


def sigmoid(given: Tensor) -> Tensor:
    """The gate of SiLU."""
    return torch.sigmoid(given)


def normal(given: Tensor) -> Tensor:
    """The gate of GELU: the normal distribution's share below."""
    return (1 + torch.erf(given / math.sqrt(2))) / 2


def spread(given: Tensor) -> Tensor:
    """The standard deviation of all values of each input of a batch, shaped to divide them."""
    each = given.detach().reshape(len(given), -1).std(dim=1, correction=0).clamp(min=1e-12)
    return each.reshape(-1, *[1] * (given.ndim - 1))


def gated(given: Tensor, value: Tensor, gate: Tensor) -> Tensor:
    """The value, whose gradient is multiplied by the gate."""
    apply: Callable[..., Tensor] = _Gated.apply
    return apply(given, value, gate)


class _Gated(torch.autograd.Function):
    """A value whose gradient passes to what was given through a gate."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, value: Tensor, gate: Tensor) -> Tensor:
        ctx.save_for_backward(gate)
        return value.detach()  # a tensor that autograd does not take for the argument, so that it may be overwritten

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return gradients[0] * ctx.saved_tensors[0], None, None


class _Positive(torch.autograd.Function):
    """A value whose gradient passes where it is positive, and where the value is (or `always`)."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, value: Tensor, always: bool) -> Tensor:
        ctx.save_for_backward(None if always else value)
        return value.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (value,) = ctx.saved_tensors
        passed = gradients[0].clamp(min=0)
        return passed if value is None else torch.ops.aten.threshold_backward(passed, value, 0), None, None

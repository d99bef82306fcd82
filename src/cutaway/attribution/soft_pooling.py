"""Soft pooling: a maximum whose gradient is shared out among its window instead of going to the largest value alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cutaway.attribution.function_calls import Call
from cutaway.attribution.gates import Unit


@dataclass(frozen=True)
class SoftPooling:
    """The maximum of each window, its gradient shared out by the softmax of the window at the temperature.

    temperature: in units of what comes in (`unit`, found for each call; 1 where there is none). A pooling with gaps in
    its window, or one that answers with indices, keeps its derivative.
    """

    temperature: float
    unit: Unit | None = None

    def __call__(self, call: Call) -> Any:
        if call.more.get("return_indices") or _pair(call.more.get("dilation", 1)) != (1, 1):
            return call.value()
        unit = 1.0 if self.unit is None else self.unit(call.given)
        value = call.value(call.given.detach())
        apply: Callable[..., Tensor] = _Shared.apply
        return apply(call.given, value, unit * self.temperature, _window(call, value))


class _Shared(torch.autograd.Function):
    """The value of a pooling, with the gradient of the mean weighed by exp(what is given / temperature)."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, value: Tensor, temperature: Tensor | float, window: dict[str, Any]) -> Tensor:
        ctx.save_for_backward(given)
        ctx.temperature, ctx.window = temperature, window
        return value.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Place after place of the window, so that no window is ever laid out."""
        (given,) = ctx.saved_tensors
        padded = _padded(given, ctx.window, torch.finfo(given.dtype).min / 4)
        parts = [padded[index] for index in ctx.window["places"]]
        largest = functools.reduce(torch.maximum, parts)
        weights = [((part - largest) / ctx.temperature).exp() for part in parts]
        each = gradients[0] / sum(weights[1:], weights[0])
        found = torch.zeros_like(padded)
        for index, weight in zip(ctx.window["places"], weights, strict=True):
            found[index] += weight * each
        top, left = ctx.window["edges"][2], ctx.window["edges"][0]
        return found[..., top : top + given.shape[-2], left : left + given.shape[-1]], None, None, None


def _window(call: Call, value: Tensor) -> dict[str, Any]:
    """Where each place of the window lies in the padded input, for all windows at once; and the padding."""
    kernel = _pair(call.more["kernel_size"])
    stride, padding = _pair(call.more.get("stride") or kernel), _pair(call.more.get("padding", 0))
    far = [(size - 1) * step + width for size, step, width in zip(value.shape[-2:], stride, kernel, strict=True)]
    ends = [max(0, reach - side - pad) for reach, side, pad in zip(far, call.given.shape[-2:], padding, strict=True)]
    rows, columns = (
        [slice(start, start + (size - 1) * step + 1, step) for start in range(width)]
        for size, step, width in zip(value.shape[-2:], stride, kernel, strict=True)
    )
    return {
        "edges": (padding[1], ends[1], padding[0], ends[0]),
        "places": [(..., row, column) for row in rows for column in columns],
    }


def _padded(given: Tensor, window: dict[str, Any], fill: float) -> Tensor:
    return F.pad(given, window["edges"], value=fill)


def _pair(given: Any) -> tuple[int, int]:
    return (given, given) if isinstance(given, int) else (tuple(given) * 2)[:2]

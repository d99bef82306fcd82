"""Awake: gradients through ReLUs that are inactive everywhere, so that a unit that is silent at first can be woken."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class _Redirected(torch.autograd.Function):
    """Values clamped to low..high with the usual gradient, unless for some picture that is zero everywhere.

    For such a picture, and only for it, the gradient also passes the places at which descent would lead back between
    the two ends.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, low: float, high: float, inplace: bool) -> Tensor:
        if inplace:
            ctx.mark_dirty(values)
        output = values.clamp_(low, high) if inplace else values.clamp(low, high)
        ctx.save_for_backward(output)
        ctx.ends = low, high
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (output,) = ctx.saved_tensors
        low, high = ctx.ends
        usual = torch.ops.aten.hardtanh_backward(gradient, output, low, high)
        each = tuple(range(1, usual.ndim))
        lost = torch.linalg.vector_norm(usual, dim=each, keepdim=True) == 0
        if not lost.any():
            return usual, None, None, None
        rising = gradient * ((output > low) | (gradient < 0)) * ((output < high) | (gradient > 0))
        return torch.where(lost, rising, usual), None, None, None


def _hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    if input.ndim < 2 or not input.requires_grad:
        return input.clamp_(min_val, max_val) if inplace else input.clamp(min_val, max_val)
    inplace = inplace and not input._is_view()  # autograd forbids it for views, whose answer is what is used anyway
    answer: Tensor = _Redirected.apply(input, min_val, max_val, inplace)  # type: ignore[no-untyped-call]  # torch's own
    return answer


def _relu(input: Tensor, inplace: bool = False) -> Tensor:
    return _hardtanh(input, 0.0, math.inf, inplace)


def _relu6(input: Tensor, inplace: bool = False) -> Tensor:
    return _hardtanh(input, 0.0, 6.0, inplace)


_RELUS: Mapping[Callable[..., Any], Callable[..., Tensor]] = {
    F.relu: _relu,
    torch.relu: _relu,
    Tensor.relu: _relu,
    F.relu_: functools.partial(_relu, inplace=True),
    torch.relu_: functools.partial(_relu, inplace=True),
    Tensor.relu_: functools.partial(_relu, inplace=True),
    F.relu6: _relu6,
    F.hardtanh: _hardtanh,
}
"""Every way to call a ReLU in torch; modules call these too."""


class awake(TorchFunctionMode):  # noqa: N801  # a context manager, used like a function
    """Inside the block every ReLU, as a module or a function, lets a gradient through where it would be lost whole.

    Answers are unchanged, and so are the gradients of every picture that has one. It knows no architecture's names.
    Redirected gradients after Lucid (Olah et al. 2017), per picture.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[Any], args: Any = (), kwargs: Any = None
    ) -> Any:
        chosen: Callable[..., Any] = _RELUS.get(func, func)
        return chosen(*args, **(kwargs or {}))

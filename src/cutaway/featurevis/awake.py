"""Awake: gradients through ReLUs that are inactive everywhere, so that a unit that is silent at first can be woken."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class _Redirected(torch.autograd.Function):
    """A ReLU (capped at `high`) that answers the usual gradient, unless for some picture that is zero everywhere.

    For such a picture, and only for it, the gradient also passes the places that would have to be raised to become
    active: those where descent along the gradient increases the output.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, high: float, inplace: bool) -> Tensor:
        if inplace:
            ctx.mark_dirty(values)
        output = values.clamp_(0, high) if inplace else values.clamp(0, high)
        ctx.save_for_backward(output)
        ctx.high = high
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (output,) = ctx.saved_tensors
        usual = torch.ops.aten.hardtanh_backward(gradient, output, 0.0, ctx.high)
        each = tuple(range(1, usual.ndim))
        lost = torch.linalg.vector_norm(usual, dim=each, keepdim=True) == 0
        if not lost.any():
            return usual, None, None
        rising = gradient * ((output > 0) | (gradient < 0)) * ((output < ctx.high) | (gradient > 0))
        return torch.where(lost, rising, usual), None, None


def _relu(input: Tensor, inplace: bool = False, high: float = float("inf")) -> Tensor:
    if input.ndim < 2 or not input.requires_grad:
        return input.clamp_(0, high) if inplace else input.clamp(0, high)
    answer: Tensor = _Redirected.apply(input, high, inplace and not input._is_view())  # type: ignore[no-untyped-call]  # torch's own
    return answer


_RELUS: Mapping[Callable[..., Any], Callable[..., Tensor]] = {
    F.relu: _relu,
    torch.relu: _relu,
    Tensor.relu: _relu,
    F.relu_: functools.partial(_relu, inplace=True),
    torch.relu_: functools.partial(_relu, inplace=True),
    Tensor.relu_: functools.partial(_relu, inplace=True),
    F.relu6: functools.partial(_relu, high=6.0),
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

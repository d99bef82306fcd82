"""The positive convolution: what a unit adds up is evidence for it, never against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from cutaway.core.errors import WeightsError, choose

TINY = 1e-8


class Clamp(nn.Module):
    """w = max(v, 0); a v below 0 still gets the gradients that raise it, so that no weight is lost for good."""

    def forward(self, free: Tensor) -> Tensor:
        projected: Tensor = _Projected.apply(free)  # type: ignore[no-untyped-call]  # torch has no types here
        return projected

    def right_inverse(self, weight: Tensor) -> Tensor:
        return _checked(weight).clone()


class Softplus(nn.Module):
    """w = log(1 + exp(v)): smooth, and never quite 0."""

    def forward(self, free: Tensor) -> Tensor:
        return nn.functional.softplus(free)

    def right_inverse(self, weight: Tensor) -> Tensor:
        above = _checked(weight).clamp(min=TINY)
        return above + torch.log(-torch.expm1(-above))


class Square(nn.Module):
    """w = v^2: small weights move slowly, which favours sparse ones."""

    def forward(self, free: Tensor) -> Tensor:
        return free.square()

    def right_inverse(self, weight: Tensor) -> Tensor:
        return _checked(weight).sqrt()


class Least(nn.Module):
    """w = v - the least of v over the outputs, input by input, where that is below 0: all outputs gain alike.

    Behind such a layer `Contrast` takes away what all outputs share, and what is left is what v gives: a layer of
    positive weights then learns as fast, and says as much, as one of signed weights.
    """

    def forward(self, free: Tensor) -> Tensor:
        return free - free.amin(0, keepdim=True).clamp(max=0)

    def right_inverse(self, weight: Tensor) -> Tensor:
        return _checked(weight).clone()


POSITIVITY: dict[str, Callable[[], nn.Module]] = {
    "clamp": Clamp,
    "least": Least,
    "softplus": Softplus,
    "square": Square,
}


class PositiveConv2d(nn.Conv2d):
    """A convolution whose weights are >= 0 at every moment, by construction (a bias, where wanted, is free).

    `positivity` maps a free parameter to the weights, a key of POSITIVITY. `weight` is the mapped one;
    assigning to it, or loading a state with a plain `weight`, needs weights >= 0 and raises WeightsError otherwise.
    Weights start as absolute values of a normal, scaled so that a constant input of 1 gives 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = False,
        positivity: str = "softplus",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self.positivity = choose(positivity, POSITIVITY, "positivity")
        with torch.no_grad():
            self.weight.normal_().abs_()
            self.weight /= self.weight.sum((1, 2, 3), keepdim=True)
            if self.bias is not None:
                self.bias.zero_()
        parametrize.register_parametrization(self, "weight", POSITIVITY[positivity]())
        self.register_load_state_dict_pre_hook(_read_plain_weights)  # type: ignore[no-untyped-call]  # nor here

    def free(self) -> Tensor:
        """The parameter behind the weights, which is what learns."""
        mapped: Any = self.parametrizations
        found: Tensor = mapped["weight"].original
        return found

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, {self.kernel_size}, positivity={self.positivity}"


class _Projected(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, free: Tensor) -> Tensor:
        context.save_for_backward(free)
        return free.clamp(min=0)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (free,) = context.saved_tensors
        return torch.where((free > 0) | (gradient < 0), gradient, torch.zeros_like(gradient))


def _checked(weight: Tensor) -> Tensor:
    if weight.is_meta:  # shapes alone
        return weight
    below = int((weight < 0).sum())
    if below or not bool(torch.isfinite(weight).all()):
        raise WeightsError(
            f"{below} of {weight.numel()} weights are negative (least {float(weight.min()):.3g}); "
            "expected finite weights >= 0 for a positive convolution; try weights.abs() or weights.clamp(min=0)"
        )
    return weight


def _read_plain_weights(layer: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """A state with a plain `weight`, as nn.Conv2d saves it, is mapped back to the free parameter."""
    given = state.pop(f"{prefix}weight", None)
    if given is not None:
        mapped: Any = layer.parametrizations
        state[f"{prefix}parametrizations.weight.original"] = mapped["weight"][0].right_inverse(given)

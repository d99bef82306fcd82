"""The norm that only divides: a network of convolutions and ReLUs stays homogeneous, so its gradients add up."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError

Maps = Float[Tensor, "batch channels height width"]
SMALLEST = 1e-5  # of a mean square; keeps a channel that is always 0 from dividing by zero
PACE = 0.1  # how far the running mean square moves to that of a batch


class DivisiveNorm2d(nn.Module):
    """y = s x / sqrt(E[x^2]), for each channel: batch normalisation without its mean and without its offset.

    E is over a batch and its places in training, and its running mean in eval, where the layer is a fixed positive
    factor per channel: no picture's answer depends on its batch mates, and f(x) = <grad f, x> holds behind it. Shape:
    (batch, channels, height, width). Raises OptionError for channels < 1.
    """

    mean_square: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < 1:
            raise OptionError(f"channels is {channels}; expected a whole number of at least 1; try channels=64")
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_buffer("mean_square", torch.ones(channels))

    def forward(self, maps: Maps) -> Maps:
        if not self.training:
            factor = self.weight * torch.rsqrt(self.mean_square + SMALLEST)
            return maps * factor.to(maps.dtype)[:, None, None]
        divided, mean_square = _Divided.apply(maps, self.weight)  # type: ignore[no-untyped-call]  # torch has no types here
        with torch.no_grad():
            self.mean_square.lerp_(mean_square, PACE)
        quotient: Maps = divided
        return quotient

    def extra_repr(self) -> str:
        return f"{len(self.weight)}"


class _Divided(torch.autograd.Function):
    """The division by a batch's own sizes, with its derivative by hand: half the passes over memory, half the time."""

    @staticmethod
    def forward(context: Any, maps: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        context.save_for_backward(maps, weight)
        mean_square = _mean_square(maps, weight.dtype)
        context.size = torch.rsqrt(mean_square + SMALLEST)
        return maps * (weight * context.size).to(maps.dtype)[:, None, None], mean_square

    @staticmethod
    def backward(context: Any, slopes: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        maps, weight = context.saved_tensors
        size = context.size
        if torch.is_grad_enabled():  # somebody differentiates twice: the sizes depend on the maps
            size = torch.rsqrt(_mean_square(maps, weight.dtype) + SMALLEST)
        along = (slopes * maps).sum((0, 2, 3), dtype=weight.dtype)
        share = weight * size**3 * along / (maps.numel() // maps.shape[1])
        straight = slopes * (weight * size).to(maps.dtype)[:, None, None]
        return torch.addcmul(straight, maps, share.to(maps.dtype)[:, None, None], value=-1), along * size


def _mean_square(maps: Tensor, dtype: torch.dtype) -> Tensor:
    return (maps * maps).sum((0, 2, 3), dtype=dtype) / (maps.numel() // maps.shape[1])

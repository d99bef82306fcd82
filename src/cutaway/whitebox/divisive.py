"""The norm that only divides: a network of convolutions and ReLUs stays homogeneous, so its gradients add up."""

from __future__ import annotations

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
        if self.training:
            mean_square = maps.to(self.mean_square.dtype).square().mean((0, 2, 3))
            with torch.no_grad():
                self.mean_square.lerp_(mean_square, PACE)
        else:
            mean_square = self.mean_square
        factor = self.weight * torch.rsqrt(mean_square + SMALLEST)
        return maps * factor.to(maps.dtype)[:, None, None]

    def extra_repr(self) -> str:
        return f"{len(self.weight)}"

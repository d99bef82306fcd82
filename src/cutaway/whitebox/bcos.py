"""The B-cos convolution: outputs are large only where the input points the way the weights do."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.whitebox.gradients import Weighing, at_least_one

SMALLEST = 1e-6  # keeps the norm of an empty patch from dividing by zero


class BcosConv2d(Weighing):
    """y = |cos(x, w)|^(B-1) <w / |w|, x> for each patch x: linear in x with a weight that aligns (Böhle et al. 2022).

    B = 1 is a convolution with kernels of norm one; a larger B presses weights to align with what they detect. The
    output is W(x) x with W(x) = |cos|^(B-1) w / |w|; with `detach` (or within `weights_held`) that map is the gradient.
    `max_out` kernels compete for each output. There is no bias: a bias would belong to no pixel.

    Raises OptionError for b < 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        b: float = 2.0,
        max_out: int = 1,
        detach: bool = False,
    ) -> None:
        super().__init__()
        if not b >= 1:
            raise OptionError(f"b is {b}; expected a number of at least 1 (1 is a plain convolution); try b=2")
        self.out_channels, self.kernel_size = at_least_one(out_channels, "out_channels"), kernel_size
        self.stride, self.padding, self.b, self.detach = stride, padding, float(b), detach
        self.max_out = at_least_one(max_out, "max_out")
        self.weight = nn.Parameter(torch.empty(out_channels * max_out, in_channels, kernel_size, kernel_size))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out y x"]:
        directions = self.weight / self.weight.flatten(1).norm(dim=1).clamp(min=SMALLEST)[:, None, None, None]
        linear = F.conv2d(pictures, directions, stride=self.stride, padding=self.padding)
        if self.max_out > 1:
            linear = linear.unflatten(1, (self.out_channels, self.max_out)).amax(2)
        if self.b == 1:
            return linear
        squares = F.avg_pool2d(
            pictures.square().sum(1, keepdim=True), self.kernel_size, self.stride, self.padding, divisor_override=1
        )
        cosine = linear.abs() / (squares + SMALLEST**2).sqrt()
        weight = (cosine + SMALLEST) ** (self.b - 1)
        return (weight.detach() if self.detach else weight) * linear

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]}, {self.out_channels}, kernel_size={self.kernel_size}, b={self.b}"

"""The scale convolution: one kernel looked for at several sizes, the best fit wins."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.whitebox.gradients import at_least_one


class ScaleConv2d(nn.Module):
    """y = max over s of x * K_s, where K_s is one learned kernel resized to s times its side.

    Kernels are resized bilinearly (smoothed where they shrink) and keep the sum of their weights, so that a flat
    picture gives one answer at all scales; places stay centred. The output's grid is the input's, over `stride`. A
    resized side is the nearest odd number of pixels.

    Raises OptionError for an even kernel, no scales, or a scale <= 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        scales: Sequence[float] = (0.7, 1.0, 1.4),
        stride: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0 or kernel_size < 1:
            raise OptionError(f"kernel_size is {kernel_size}; expected an odd number, which has a centre; try 5")
        if not scales or min(scales) <= 0:
            raise OptionError(f"scales are {list(scales)}; expected numbers above 0; try scales=(0.7, 1.0, 1.4)")
        self.kernel_size, self.stride = kernel_size, at_least_one(stride, "stride")
        self.scales = tuple(float(scale) for scale in scales)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def kernels(self) -> list[Float[Tensor, "out in y x"]]:
        """The kernel at each scale."""
        return [resized(self.weight, _odd(scale * self.kernel_size)) for scale in self.scales]

    def responses(
        self, pictures: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "scales batch out y x"]:
        """What the kernel answers at each scale, before the maximum."""
        return torch.stack([F.conv2d(pictures, k, self.bias, self.stride, k.shape[-1] // 2) for k in self.kernels()])

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out y x"]:
        return self.responses(pictures).amax(0)

    def extra_repr(self) -> str:
        out, wide, side, _ = self.weight.shape
        return f"{wide}, {out}, kernel_size={side}, scales={self.scales}, stride={self.stride}"


def resized(kernel: Float[Tensor, "out in y x"], side: int) -> Float[Tensor, "out in side side"]:
    """A kernel of another side whose weights add up to what they did; its own side gives it back as it is."""
    if side == kernel.shape[-1]:
        return kernel
    other = F.interpolate(kernel, size=(side, side), mode="bilinear", antialias=side < kernel.shape[-1])
    other = other * (kernel.shape[-1] / side) ** 2
    lost = (kernel.sum((2, 3)) - other.sum((2, 3)))[:, :, None, None]
    return other + lost / side**2


def _odd(side: float) -> int:
    return max(1, 2 * round((side - 1) / 2) + 1)

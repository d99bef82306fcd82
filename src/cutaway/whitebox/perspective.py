"""The perspective convolution: one kernel seen from several learned angles, the best fit wins."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.seeds import generator
from cutaway.whitebox.gradients import at_least_one

STEEPEST = 0.9  # |p| + |q| stays below it, so that the plane's horizon stays outside the kernel


class PerspectiveConv2d(nn.Module):
    """y = max over views v of x * K_v, where K_v is one kernel warped by (p_v, q_v): K_v(x, y) = K(x / d, y / d).

    d = 1 + p x + q y, with x and y in [-1, 1] over the kernel: a plane tilted about its centre. Of the eight numbers of
    a homography these two alone are learned; the centre never moves, and p = q = 0 is the kernel as it is. The first
    view starts there, the others at small random tilts (`seed`). `tilts` holds the free numbers; a tanh keeps
    |p| + |q| < 0.9.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        views: int = 3,
        bias: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.stride, self.padding = at_least_one(stride, "stride"), padding
        self.kernel_size = at_least_one(kernel_size, "kernel_size")
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        tilts = 0.3 * torch.randn(at_least_one(views, "views"), out_channels, 2, generator=generator(seed, "tilts"))
        tilts[0] = 0
        self.tilts = nn.Parameter(tilts)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def perspective(self) -> Float[Tensor, "views out 2"]:
        """(p, q) of every view of every kernel."""
        return torch.tanh(self.tilts) * (STEEPEST / 2)

    def kernels(self) -> Float[Tensor, "views out in y x"]:
        """The kernel as each view sees it."""
        return torch.stack([warped(self.weight, tilt) for tilt in self.perspective()])

    def responses(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "views batch out y x"]:
        """What the kernel answers in each view, before the maximum."""
        return torch.stack([F.conv2d(pictures, k, self.bias, self.stride, self.padding) for k in self.kernels()])

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out y x"]:
        return self.responses(pictures).amax(0)

    def extra_repr(self) -> str:
        out, wide, side, _ = self.weight.shape
        return f"{wide}, {out}, kernel_size={side}, views={len(self.tilts)}, stride={self.stride}"


def warped(kernel: Float[Tensor, "out in y x"], tilt: Float[Tensor, "out 2"]) -> Float[Tensor, "out in y x"]:
    """Each kernel looked up at (x / d, y / d), d = 1 + p x + q y; places beyond its border are 0."""
    side = kernel.shape[-1]
    line = torch.linspace(-1, 1, side, device=kernel.device, dtype=kernel.dtype) if side > 1 else kernel.new_zeros(1)
    y, x = torch.meshgrid(line, line, indexing="ij")
    depth = 1 + tilt[:, 0, None, None] * x + tilt[:, 1, None, None] * y
    places = torch.stack([x / depth, y / depth], dim=-1)
    return F.grid_sample(kernel, places, mode="bilinear", padding_mode="zeros", align_corners=True)

"""The match: how much of a filter a patch has, however strong the patch is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.whitebox.gradients import Weighing, at_least_one

FAINT = 0.1  # a patch's root mean square below which it counts as empty; pictures have one of about 1


class MatchConv2d(Weighing):
    """y = <w, x> / |x| for each patch x, |x| its root mean square: a convolution behind local contrast normalisation.

    A faint leaf counts as much as a bright one, and no patch throws all soft gates behind this layer open at once: how
    far they swing is a matter of likeness alone. y = W(x) x with W(x) = w / |x|; with `detach` (or within
    `weights_held`) that map is the gradient, and y = <dy/dx, x> is exact.

    Raises OptionError for fewer than one output channel, or a kernel or a stride below 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        detach: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= 2 * padding <= kernel_size:
            raise OptionError(
                f"padding is {padding}; expected at most half of the kernel's {kernel_size}; try {kernel_size // 2}"
            )
        self.kernel_size, self.stride = at_least_one(kernel_size, "kernel_size"), at_least_one(stride, "stride")
        self.padding, self.detach = padding, detach
        self.weight = nn.Parameter(
            torch.empty(at_least_one(out_channels, "out_channels"), in_channels, kernel_size, kernel_size)
        )
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def sizes(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch 1 y x"]:
        """The root mean square of each patch; what lies outside the picture counts as 0."""
        squares = pictures.square().mean(1, keepdim=True)
        return (F.avg_pool2d(squares, self.kernel_size, self.stride, self.padding) + FAINT**2).sqrt()

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out y x"]:
        sizes = self.sizes(pictures.detach() if self.detach else pictures)
        return F.conv2d(pictures, self.weight, stride=self.stride, padding=self.padding) / sizes

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]}, {len(self.weight)}, kernel_size={self.kernel_size}, stride={self.stride}"

"""Pooling by direction: a part may lie anywhere in its own corner of the neighbourhood, and nowhere else."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.whitebox.gradients import at_least_one

CORNERS = ("upper left", "upper right", "lower left", "lower right")


Maps = Float[Tensor, "batch channels height width"]


class DirectionalPool2d(nn.Module):
    """Channel k becomes its maximum over one corner of the square around each place: k mod 4 says which of CORNERS.

    A corner is (reach + 1) x (reach + 1) places and holds the place itself. A mean over each four channels in a row
    (`GroupMean`) then asks for four parts, each in its own direction, and lets them move. The grid stays as it is; what
    lies beyond the border is never the maximum. Raises OptionError for reach < 1 and channels that 4 does not divide.
    """

    def __init__(self, reach: int = 2) -> None:
        super().__init__()
        self.reach = at_least_one(reach, "reach")

    def forward(self, maps: Maps) -> Maps:
        if maps.shape[1] % len(CORNERS):
            raise OptionError(
                f"{maps.shape[1]} channels for 4 corners; expected a multiple of 4; try "
                f"{-(-maps.shape[1] // 4) * 4} output channels of the layer before"
            )
        height, width = maps.shape[-2:]
        # Every window of the padded maps at once; a corner's windows are those that begin at its own offset.
        padded = F.pad(maps, [self.reach] * 4, value=-torch.inf)
        windows = F.max_pool2d(padded, self.reach + 1, stride=1)
        corners = [
            windows[:, corner :: len(CORNERS), down : down + height, across : across + width]
            for corner, (down, across) in enumerate([(0, 0), (0, self.reach), (self.reach, 0), (self.reach,) * 2])
        ]
        return torch.stack(corners, dim=2).flatten(1, 2)

    def extra_repr(self) -> str:
        return f"reach={self.reach}"

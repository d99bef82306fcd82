"""The soft gate: GELU, read as an input times how far its gate is open."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cutaway.whitebox.gradients import Weighing


class SoftGate(Weighing):
    """y = g(x) x with g the normal distribution function: GELU (Hendrycks and Gimpel 2016) as a dynamic linear map.

    With `detach` (or within `weights_held`) the gate counts as a constant: dy/dx = g(x), which is between 0 and 1 and
    never jumps, and y = <dy/dx, x> is exact, as it is for a ReLU, whose gate is 0 or 1.
    """

    def __init__(self, detach: bool = False) -> None:
        super().__init__()
        self.detach = detach

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.detach:
            return F.gelu(inputs)
        held: Tensor = _Held.apply(inputs)  # type: ignore[no-untyped-call]  # torch has no types here
        return held


class _Held(torch.autograd.Function):
    """GELU whose derivative is its gate; of that derivative the derivative is right, so gates can learn from slopes."""

    @staticmethod
    def forward(context: Any, inputs: Tensor) -> Tensor:
        context.save_for_backward(inputs)
        return F.gelu(inputs)

    @staticmethod
    def backward(context: Any, slopes: Tensor) -> Tensor:
        (inputs,) = context.saved_tensors
        passed: Tensor = slopes * (0.5 * (1 + torch.erf(inputs * 2**-0.5)))
        return passed

"""Soft gates: how far a channel opens, by its own input, by what another stream has seen nearby, or by its answer."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import OptionError
from cutaway.whitebox.gradients import Weighing

Maps = Float[Tensor, "batch channels height width"]


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


class SharedGate(Weighing):
    """y = g(u) v: values v, let through as far as another stream's u says (or v), by `side` x `side` places together.

    g is the mean of the normal distribution function of u over these places (fewer at the border), one for each
    channel. The noise in a gradient is that of its gates, place by place; shared ones make it smooth. side=1: each
    place by itself; own: how much of its gate a place keeps for itself, the rest being the mean. With `detach` (or
    within `weights_held`) gates count as constants, and y is linear in v.

    Raises OptionError for a side that is not odd, and for an own share outside [0, 1].
    """

    def __init__(self, side: int = 1, own: float = 0.0, detach: bool = False) -> None:
        super().__init__()
        if side < 1 or not side % 2:
            raise OptionError(f"side is {side}; expected an odd number of places; try side=5")
        if not 0 <= own <= 1:
            raise OptionError(f"own is {own}; expected a share between 0 and 1; try own=0.5")
        self.side, self.own, self.detach = side, own, detach

    def forward(self, values: Maps, by: Maps | None = None) -> Maps:
        said = values if by is None else by
        opened: Tensor = 0.5 * (1 + torch.erf((said.detach() if self.detach else said) * 2**-0.5))
        if self.side > 1:
            nearby = F.avg_pool2d(opened, self.side, 1, self.side // 2, count_include_pad=False)
            opened = torch.lerp(nearby, opened, self.own) if self.own else nearby
        return opened * values

    def extra_repr(self) -> str:
        return f"side={self.side}, own={self.own:g}"


class AnswerGate(Weighing):
    """y_c = g_c v_c: picture-wide gates, by an answer; what speaks for a likely class opens wider.

    g_c = 2 sigmoid(strength sum_k p_k h_kc), p the probabilities of the answer and h the weights of the linear layer
    above, less their mean over classes and at spread one; so 1 where the answer is open, and never above 2. A top-down
    gate: squeeze and excitation (Hu et al. 2018) with nothing of its own to learn. With `detach` (or within
    `weights_held`) gates count as constants, and y is linear in v.

    Raises OptionError for a strength below 0; with 0 all gates are 1.
    """

    def __init__(self, strength: float = 1.0, detach: bool = False) -> None:
        super().__init__()
        if strength < 0:
            raise OptionError(f"strength is {strength}; expected a number of at least 0; try strength=1.0")
        self.strength, self.detach = strength, detach

    def forward(
        self,
        values: Float[Tensor, "batch channels *places"],
        answer: Float[Tensor, "batch classes"],
        above: Float[Tensor, "classes channels"],
    ) -> Float[Tensor, "batch channels *places"]:
        speaks = above - above.mean(0)
        speaks = speaks / speaks.square().mean().sqrt().clamp(min=torch.finfo(above.dtype).tiny)
        opened = 2 * torch.sigmoid(self.strength * answer @ speaks)
        opened = opened[(..., *(None,) * (values.ndim - 2))]
        return (opened.detach() if self.detach else opened) * values

    def extra_repr(self) -> str:
        return f"strength={self.strength:g}"

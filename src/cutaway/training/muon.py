"""Muon: momentum whose step for every weight matrix is made orthogonal (Jordan et al. 2024).

All directions of a filter bank then learn at one pace, which a short training gains from more than from a better rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from cutaway.core.devices import fast_bfloat16


class Muon(Optimizer):
    """For weights of two or more axes, the first of them the outputs.

    Each weight is held at the norm sqrt(outputs), so `lr` is the relative length of a step.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float = 0.1, momentum: float = 0.6) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # no closure is ever asked
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                buffer = state["momentum_buffer"].mul_(group["momentum"]).add_(weight.grad)
                ahead = weight.grad.add(buffer, alpha=group["momentum"])
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                step = orthogonal(ahead.flatten(1).to(quick(weight)))
                weight.add_(step.view_as(weight), alpha=-group["lr"])


def quick(weight: Tensor) -> torch.dtype:
    """What a step is computed in: only its directions count, so half precision does where that is quicker."""
    return torch.bfloat16 if fast_bfloat16(weight.device.type) else weight.dtype


def orthogonal(matrix: Float[Tensor, "rows columns"], steps: int = 3) -> Float[Tensor, "rows columns"]:
    """About the nearest matrix with orthonormal rows (or columns), by a Newton-Schulz iteration.

    Each step sends every singular value through one odd quintic, whose coefficients (Jordan's) are steep at zero.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = (matrix.T if tall else matrix) / (matrix.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x

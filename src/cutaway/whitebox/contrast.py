"""Contrast: each class against the others, so that a gradient shows what tells the class apart."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class Contrast(nn.Module):
    """y_k = u_k - the mean of u over the classes. Probabilities stay as they are; gradients toward classes add up to 0.

    What all classes share (that there is a thing at all) leaves every gradient; linear, so nothing becomes less exact.
    """

    def forward(self, scores: Float[Tensor, "batch classes *places"]) -> Float[Tensor, "batch classes *places"]:
        return scores - scores.mean(1, keepdim=True)

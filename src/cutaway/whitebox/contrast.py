"""Contrast: each class against the others, so that a gradient shows what tells the class apart."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import choose
from cutaway.whitebox.gradients import Weighing

ROUNDS, NEAR = 10, 0.1  # of Weiszfeld's; how near the middle, in spreads, scores count alike: weights stay finite


class Contrast(Weighing):
    """y_k = u_k - a . u, with weights a >= 0 over the classes that add up to 1: probabilities stay as they are.

    What all classes share (that there is a thing at all) leaves every gradient. against="mean": a is 1 / classes;
    linear, and gradients toward classes add up to 0. But where one class speaks for itself far more than others do,
    the mean is mostly about it, and the others' gradients all show it, reversed. against="middle": a are the weights of
    the geometric median of the scores, 1 / |u_k - a . u| (Weiszfeld 1937), so such a class hardly counts. Were they the
    weights of the gradients' own median, the mean cosine between gradients toward two classes would be
    -1 / (classes - 1), as low as it can be; scores, which are these gradients at the picture, come near.
    With `detach` (or within `weights_held`) a counts as constant. Both are homogeneous: nothing becomes less exact.

    Raises OptionError for another word than these two.
    """

    def __init__(self, against: str = "mean", detach: bool = False) -> None:
        super().__init__()
        self.against, self.detach = choose(against, ("mean", "middle"), "against"), detach

    def forward(self, scores: Float[Tensor, "batch classes *places"]) -> Float[Tensor, "batch classes *places"]:
        if self.against == "mean":
            return scores - scores.mean(1, keepdim=True)
        weights = middle(scores.detach() if self.detach else scores)
        return scores - (weights * scores).sum(1, keepdim=True)

    def extra_repr(self) -> str:
        return f"against={self.against}" + (f", near={NEAR:g}" if self.against == "middle" else "")


def middle(scores: Float[Tensor, "batch classes *places"]) -> Float[Tensor, "batch classes *places"]:
    """The weights of the scores' geometric median: the nearer to it, the more a score counts; 1 / classes if all agree.

    They are those of any multiple of the scores.
    """
    away = scores - scores.mean(1, keepdim=True)
    spread = away.square().mean(1, keepdim=True)
    near = NEAR**2 * torch.where(spread > 0, spread, 1.0)  # where all are alike no weight is told from another
    weights = torch.full_like(scores, 1 / scores.shape[1])
    for _ in range(ROUNDS):
        weights = torch.rsqrt((away - (weights * away).sum(1, keepdim=True)).square() + near)
        weights = weights / weights.sum(1, keepdim=True)
    return weights

"""What every attribution method returns: how much each part of each input argued for one score."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cutaway.attribution.scores import Answer


@dataclass(frozen=True)
class Attribution:
    """How much each part of each input argued for (positive) or against (negative) the score that was asked about.

    values: the shape of the inputs; (batch, height, width) at input size for class activation maps.
    target, versus: the classes whose score, or difference of scores, was attributed.
    method, layer: what was computed, and where, if at a layer.
    difference: score at the inputs minus score at the baseline, for methods whose values should add up to it.
    completeness_gap: sum of the values minus `difference`, in the units of the score; None where nothing is promised.
    converged: whether the gap came below the tolerance; None where none was asked for.
    evaluations: passes spent on each input (with the gradient, or forward only where a method needs no gradient).
    """

    values: Float[Tensor, "batch ..."]
    target: Int[Tensor, " batch"]
    method: str
    versus: Int[Tensor, " batch"] | None = None
    layer: str | None = None
    difference: Float[Tensor, " batch"] | None = None
    completeness_gap: Float[Tensor, " batch"] | None = None
    converged: Bool[Tensor, " batch"] | None = None
    evaluations: Int[Tensor, " batch"] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def relative_gap(self) -> Float[Tensor, " batch"] | None:
        """|gap| / |difference of scores|; infinite where the scores are equal and the gap is not 0."""
        if self.completeness_gap is None or self.difference is None:
            return None
        return relative(self.completeness_gap, self.difference)


def relative(gap: Float[Tensor, " batch"], difference: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """|gap| / |difference|, 0 where both are 0."""
    return torch.where(gap == 0, torch.zeros_like(gap), gap.abs() / difference.abs())


def attributed(
    method: str,
    values: Float[Tensor, "batch ..."],
    said: Answer,
    evaluations: int = 1,
    layer: str | None = None,
) -> Attribution:
    """The attribution of a method that spends the same passes on each input and promises no completeness."""
    return Attribution(
        values=values,
        target=said.target,
        versus=said.versus,
        method=method,
        layer=layer,
        evaluations=torch.full((len(values),), evaluations),
    )

"""Answers read off children: how surely each of them is there and how much of it, weighed once for a whole picture.

A convolution over children's maps weighs what lies near: petals of another flower at the far side of a picture say
nothing there. This weighs them wherever they are.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

LEAST_CHANCE = 1e-4
PULL = 0.1  # how far weights may go for what they explain, as scikit-learn counts it


class Answer(nn.Module):
    """One logit a picture, a weighted sum of two looks at each child; it says nothing until it is fitted."""

    def __init__(self, children: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(2 * children, 1)
        for weight in self.weigh.parameters():
            nn.init.zeros_(weight)

    def forward(self, chances: Float[Tensor, "n children grid grid"]) -> Float[Tensor, " n"]:
        answer: Tensor = self.weigh(looks(chances))
        return answer[:, 0]


def looks(chances: Float[Tensor, "n children grid grid"]) -> Float[Tensor, "n two_children"]:
    """How high each child's map is at its best place, and on the average: 0 for nowhere, 1 for certain.

    Between them logits count: from .99 to .999 is as far as from .9 to .99, which a share would hide.
    """
    both = torch.cat([chances.amax(dim=(2, 3)), chances.mean(dim=(2, 3))], dim=1)
    furthest = float(torch.logit(torch.tensor(1 - LEAST_CHANCE)))
    return (torch.logit(both, eps=LEAST_CHANCE) / furthest + 1) / 2


def fit(answer: Answer, chances: Float[Tensor, "n children grid grid"], there: Bool[Tensor, " n"]) -> None:
    """Weights by logistic regression, pictures with and without the part counting alike: the only best ones."""
    seen = looks(chances).double().numpy()
    middle, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-6
    weights, start = _regression((seen - middle) / spread, there.numpy(), PULL)
    with torch.no_grad():
        answer.weigh.weight.copy_(torch.from_numpy(weights / spread)[None])
        answer.weigh.bias.fill_(start - float((weights * middle / spread).sum()))


def even_threshold(scores: Float[np.ndarray, " n"], there: Bool[np.ndarray, " n"]) -> float:
    """Where being there is as likely as not, were both as frequent: by logistic regression over the scores.

    The best cut on few pictures hangs on the one or two beside it; this one hangs on all of them.
    """
    middle, spread = float(scores.mean()), float(scores.std()) + 1e-9
    weights, start = _regression((scores[:, None] - middle) / spread, there, 100.0)
    if weights[0] <= 0:  # scores that say nothing, or the contrary
        return middle
    return round(middle - start / float(weights[0]) * spread, 6)


def _regression(
    seen: Float[np.ndarray, "n k"], there: Bool[np.ndarray, " n"], pull: float
) -> tuple[Float[np.ndarray, " k"], float]:
    from sklearn.linear_model import LogisticRegression

    found = LogisticRegression(C=pull, class_weight="balanced", max_iter=1000).fit(seen, there)
    weights: np.ndarray = found.coef_[0]
    return weights, float(found.intercept_[0])

"""The question that an explanation answers: which class, rather than which other, on which picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import CutawayError, TargetError
from cutaway.core.types import Pictures
from cutaway.nets.model import Model, Prediction
from cutaway.nets.targets import Target
from cutaway.report.drawing import Raster
from cutaway.report.schema import Score


@dataclass(frozen=True)
class Question:
    """One picture as the network sees it (batch of 1, and as a raster), the network's answer, and what is asked.

    logits: (classes,). versus: None where there is only one score.
    """

    model: Model
    pictures: Pictures
    raster: Raster
    logits: Float[Tensor, " classes"]
    target: int
    versus: int | None

    @property
    def margin(self) -> float:
        """Target logit minus versus logit: what has to be explained."""
        return margin(self.logits, self.target, self.versus)

    def score(self, index: int, logits: Float[Tensor, " classes"] | None = None) -> Score:
        """One class with its probability and logit, under the network's answer or another one."""
        given = self.logits if logits is None else logits
        likely = self.model.probabilities(given)
        return Score(
            index=index,
            label=self.model.label(index),
            probability=float(likely[index]),
            logit=float(given[index]),
        )

    def likeliest(self, k: int) -> list[Score]:
        """The k likeliest classes; a ModelError where a score is not finite."""
        return [_score(prediction) for prediction in self.model.predictions(self.logits, k)]

    def says(self, rather: bool) -> str:
        """What a map asks for: the target, or the target rather than the other class."""
        label = self.model.label(self.target)
        return f"{label} rather than {self.model.label(self.versus)}" if rather and self.versus is not None else label


def ask(model: Model, pictures: Pictures, raster: Raster, target: Target, versus: Target) -> Question:
    """The question about one prepared picture. The target is the predicted class, and versus the best of the others,
    where nobody says."""
    with torch.no_grad():
        logits = model(pictures).float().cpu()
    model.predictions(logits[0], 1)  # the error for scores that are not finite
    chosen = int(model.target(target, logits)[0])
    return Question(model, pictures, raster, logits[0], chosen, _other(model, logits, chosen, versus))


def laid_out(model: Model, pictures: Pictures) -> Pictures:
    """The same pictures with their colours side by side in memory, which CPUs convolve about twice as quickly.

    As they are where the network refuses that, as one that calls `view` may. A pair is tried, as of one picture
    any order may pass.
    """
    if pictures.device.type != "cpu":
        return pictures
    side_by_side = pictures.contiguous(memory_format=torch.channels_last)
    try:
        with torch.no_grad():
            model(torch.cat([side_by_side, side_by_side]))
    except CutawayError:
        return pictures
    return side_by_side


def margin(logits: Float[Tensor, " classes"], target: int, versus: int | None) -> float:
    """Target logit minus versus logit, or the target logit alone."""
    return float(logits[target] - (0 if versus is None else logits[versus]))


def _other(model: Model, logits: Float[Tensor, "1 classes"], target: int, versus: Target) -> int | None:
    if versus is not None:
        chosen = int(model.target(versus, logits)[0])
        if chosen == target:
            raise TargetError(f'versus is the target itself, "{model.label(target)}"; expected another class')
        return chosen
    order = logits[0].argsort(descending=True, stable=True).tolist()
    return next((index for index in order if index != target), None)


def _score(prediction: Prediction) -> Score:
    return Score(
        index=prediction.index,
        label=prediction.label,
        probability=prediction.probability,
        logit=prediction.logit,
    )

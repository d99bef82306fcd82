"""Prediction difference: what the evidence for a class becomes when a patch is not known, only what is around it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.attribution.attribution import Attribution, attributed
from cutaway.attribution.patches import fit_patches
from cutaway.attribution.perturbation import averaged, windows
from cutaway.attribution.scores import Answer, Forward, Inputs, answers, passes, plain, scores_at
from cutaway.attribution.sharing import shared
from cutaway.core.errors import OptionError, PictureError
from cutaway.nets.model import Model
from cutaway.nets.targets import Target

LARGEST = 16
"""Pixels of a window by default: the distribution of larger patches takes gigabytes."""


def prediction_difference(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    window: int | None = None,
    stride: int | None = None,
    margin: int = 2,
    samples: int = 10,
    patches: Float[Tensor, "n colours high across"] | None = None,
    seed: int = 0,
    batch_size: int | None = None,
) -> Attribution:
    """The evidence that a window of the picture gives for a class, in bits, averaged over the windows that cover a
    pixel: log2 odds of the class with the window known, less the same with the window unknown.

    Unknown means: the probability is averaged over `samples` fillings drawn from what the window could hold given the
    `margin` of pixels around it. They come from a normal distribution of whole patches (all channels together), fitted
    to `patches` (pictures, at least as large as a patch) or, left out, to each input by itself: then it knows nothing
    of what other pictures hold. Fillings stay within the range of what it was fitted to. A normal distribution knows
    colours and how they change from place to place, not objects.
    window, stride: in pixels (default: an eighth of the shorter side, but at most 16, and half of that). versus: odds
    against that class instead of against all others. inputs: pictures (batch, channels, height, width). The price:
    windows x samples passes for each input; no gradient is needed.
    Zintgraf et al. 2017, "Visualizing Deep Neural Network Decisions: Prediction Difference Analysis"; without their
    Laplace correction, since logarithms of probabilities are computed without rounding to 0 or 1.
    """
    if inputs.ndim != 4:
        raise PictureError(
            f"inputs have shape {tuple(inputs.shape)}; expected pictures (batch, channels, height, width)"
        )
    side = window or max(1, min(min(inputs.shape[-2:]) // 8, LARGEST))
    places = windows(inputs.shape[1:], side, stride or max(1, side // 2))
    if samples < 1 or margin < 0:
        raise OptionError(f"samples is {samples} and margin is {margin}; expected at least 1 sample, margin >= 0")
    whole = answers(forward, inputs, target, versus, batch_size)
    odds = _Odds(forward, whole)
    fitted = None if patches is None else fit_patches(patches, inputs.shape[1:], side, margin, seed)
    evidence = inputs.new_empty(len(inputs), len(places))
    for row, picture in enumerate(inputs.detach()):
        known = fitted or fit_patches(picture[None], inputs.shape[1:], side, margin, seed)
        before = odds.of(picture[None], row)
        unknown = before.new_empty(len(places), samples, 2)
        for _, drawn in passes(1, len(places) * samples, batch_size):
            points = picture.expand(len(drawn), *picture.shape).clone()
            for point, number in zip(points, drawn.tolist(), strict=True):
                known.fill(point, places[number // samples], seed, number)
            unknown.view(-1, 2)[drawn] = odds.of(points, row)
        evidence[row] = _bits(before) - _bits(unknown.logsumexp(dim=1) - math.log(samples))
    values = averaged(inputs, evidence, places)
    return attributed("prediction_difference", values, whole, len(places) * samples + 2)


@dataclass(frozen=True)
class _Odds:
    """For what, and against what, the classes asked about stand."""

    forward: Forward
    asked: Answer

    def of(self, points: Tensor, row: int) -> Float[Tensor, "n 2"]:
        """The logarithms of both probabilities at points made from one input: of its target, and of versus or all other
        classes."""
        with plain(self.forward, points), torch.no_grad():
            scores = shared(lambda: scores_at(self.forward, points)).double()
        target = self.asked.target[row].expand(len(points), 1)
        versus = None if self.asked.versus is None else self.asked.versus[row].expand(len(points), 1)
        if scores.shape[1] == 1 or (isinstance(self.forward, Model) and self.forward.multilabel):
            likely, unlikely = F.logsigmoid(scores), F.logsigmoid(-scores)
        else:
            likely = scores.log_softmax(dim=1)
            others = likely.scatter(1, target, -math.inf).logsumexp(dim=1, keepdim=True)
            unlikely = others.expand_as(likely)
        against = unlikely.gather(1, target) if versus is None else likely.gather(1, versus)
        return torch.cat([likely.gather(1, target), against], dim=1)


def _bits(pair: Float[Tensor, "... 2"]) -> Float[Tensor, ...]:
    return (pair[..., 0] - pair[..., 1]) / math.log(2)

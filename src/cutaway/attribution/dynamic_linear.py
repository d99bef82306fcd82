"""The linear map that a white-box network is at one input: read off, not estimated."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from torch import nn

from cutaway.attribution.attribution import Attribution, attributed
from cutaway.attribution.baselines import as_seen
from cutaway.attribution.scores import Forward, Inputs, Question, gradients_of_all
from cutaway.nets.model import Model
from cutaway.nets.targets import Target
from cutaway.whitebox import weights_held


def dynamic_linear(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    batch_size: int | None = None,
) -> Attribution:
    """W(x) times x less the mean colour: each value's share of the score, the layers' own weights of this input held.

    Exact for networks that are made for it (`clear`, `bcos`, ...): shares add up to the score, and nothing is left
    over; `completeness_gap` tells. For any other network it is the gradient times the input as the network sees it,
    and the gap is what offsets and nonlinearities say.
    Böhle et al. 2022, "B-cos Networks: Alignment is All We Need for Interpretability".
    """
    question = Question(forward, inputs, target, versus, batch_size)
    slopes, answer = gradients_of_all(question, during=lambda: _held(forward))
    seen, unit = as_seen(forward, inputs)
    values = slopes * (seen * unit)
    left = values.flatten(1).sum(1) - answer.score
    return replace(attributed("dynamic_linear", values, answer), difference=answer.score, completeness_gap=left)


def _held(forward: Forward) -> AbstractContextManager[object]:
    module = forward.module if isinstance(forward, Model) else forward
    return weights_held(module) if isinstance(module, nn.Module) else nullcontext()

"""Pullback: gradients through soft gates, which open by how strongly a unit is excited, and not by its sign alone."""

from __future__ import annotations

from functools import partial
from typing import Any

from cutaway.attribution.attribution import Attribution, attributed
from cutaway.attribution.backward_rules import RULES
from cutaway.attribution.baselines import as_seen
from cutaway.attribution.modified_gradients import modified
from cutaway.attribution.path import column
from cutaway.attribution.scores import Forward, Inputs, Question, answers
from cutaway.core.errors import OptionError
from cutaway.nets.model import Model
from cutaway.nets.targets import Target

TEMPERATURE, THRESHOLD, POOLING = 0.3, 1.0, 5.0
"""Of the gates that fit themselves, in standard deviations of what comes into each."""


def pullback(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    temperature: float = TEMPERATURE,
    threshold: float = THRESHOLD,
    pooling: float = POOLING,
    published: bool = False,
    times_input: bool = True,
    batch_size: int | None = None,
) -> Attribution:
    """The gradient with soft gates: ReLU, GELU and SiLU let it pass by how far they are open, max pooling by a softmax.

    The gates fit themselves to the network: `temperature` (how soft) and `threshold` (where half open) are in standard
    deviations of what comes in, over the channels of one place; `pooling` (the temperature of max pooling) in those of
    all that comes in for one input. published:
    the temperatures of the paper instead (ReLU 0.6, GELU 1.0, SiLU 1.6, MaxPool 0.3, half open at 0), in the units of
    what comes in; they do little in a network whose activations run in the hundreds.
    times_input: multiplied by the inputs as the network sees them (a Model's mean colour is nothing): values say what
    argues for the score. Without, they say what a small change would do to it.
    After Satkiewicz et al. 2025, "Pulling Back the Curtain on Deep Networks", arXiv:2507.22832, whose gates have no
    threshold; the fit is ours.
    """
    if temperature <= 0 or pooling <= 0:
        raise OptionError(
            f"temperature is {temperature} and pooling is {pooling}; expected more than 0; try {TEMPERATURE} and "
            f"{POOLING}"
        )
    rules = (
        RULES["pullback, as published"] if published else partial(RULES["pullback"], temperature, threshold, pooling)
    )
    values, said = modified("pullback", rules, Question(forward, inputs, target, versus, batch_size))
    if times_input:
        seen, unit = as_seen(forward, inputs)
        values = values * (seen * unit)
    return attributed("pullback", values, said)


def ascent(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    steps: int = 10,
    length: float = 5.0,
    batch_size: int | None = None,
    **options: Any,
) -> Attribution:
    """What the input gains on the way uphill along the pullback: the change of the input, which shows what it lacked.

    steps of equal length (Euclidean, `length` in all, in units of the inputs), each along the pullback where the last
    one ended; a Model's pictures stay within [0, 1]. The target is that of the input itself. options: those of
    `pullback` but that one.
    Satkiewicz et al. 2025, arXiv:2507.22832.
    """
    if steps < 1 or length <= 0:
        raise OptionError(f"steps is {steps} and length is {length}; expected at least 1 step, and a length above 0")
    said = answers(forward, inputs, target, versus, batch_size)
    points = inputs.detach()
    for _ in range(steps):
        found = pullback(
            forward, points, said.target, versus=said.versus, times_input=False, batch_size=batch_size, **options
        )
        slopes = found.values
        norms = column(slopes.reshape(len(slopes), -1).norm(dim=1).clamp(min=1e-12), slopes)
        points = points + slopes * (length / steps) / norms
        if isinstance(forward, Model):
            points = points.clamp(0, 1)
    return attributed("ascent", points - inputs.detach(), said, steps + 1)

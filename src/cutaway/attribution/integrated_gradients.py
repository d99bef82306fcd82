"""Integrated gradients: the mean gradient on the straight line from a baseline to the input, times the way."""

from __future__ import annotations

from functools import partial

import torch

from cutaway.attribution.adaptive import START, adaptive
from cutaway.attribution.attribution import Attribution, relative
from cutaway.attribution.baselines import Baseline, baseline_like
from cutaway.attribution.path import Path, total
from cutaway.attribution.quadrature import Positions, Rule, rule_of
from cutaway.attribution.scores import (
    LEAST_PASS,
    Answer,
    Forward,
    Inputs,
    asked,
    check_inputs,
    pass_size,
    passes,
    per_input,
    plain,
    scores_at,
)
from cutaway.attribution.sharing import shared
from cutaway.core.errors import OptionError
from cutaway.nets.targets import Target


def integrated_gradients(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    baseline: Baseline = 0.0,
    steps: int = 50,
    rule: str | Rule = "gauss-legendre",
    tolerance: float | None = None,
    max_steps: int = 1000,
    batch_size: int | None = None,
) -> Attribution:
    """Each value's share of the difference between the scores of the input and of the baseline.

    baseline: a number (0.0 is black) or a tensor of an input's shape. steps: gradients per input, placed by the rule
    ("gauss-legendre", "midpoint", "trapezoid", or a function of steps that returns positions and weights).
    tolerance: instead of `steps`, as many gradients as it takes (at most max_steps) until the values add up to the
    difference of the scores to within this share of it; the rule places only the first few, the others go where the
    path is found to need them. Values are never rescaled to fit: `completeness_gap` is what is left, `converged` says
    which inputs got there, `evaluations` counts gradients (two scores per input come on top). With a tolerance, the
    gradients of batch_size / 4 inputs at a time are kept until their weights are known; without, none is.
    Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks".
    """
    _check(steps, tolerance, max_steps)
    check_inputs(inputs)
    start = baseline_like(baseline, inputs)
    at_start, at_inputs = _at_ends(forward, start, inputs.detach(), target, versus, batch_size)
    path = Path(forward, start, inputs.detach(), at_inputs)
    if tolerance is None:
        values = _fixed(path, *rule_of(rule)(steps), batch_size)
        evaluations = torch.full((len(inputs),), steps)
    else:
        values, evaluations = adaptive(path, rule_of(rule), tolerance, max_steps, batch_size)
    difference = (at_inputs.score - at_start.score).to(inputs)
    gap = (total(values) - difference).to(inputs)
    return Attribution(
        values=values,
        target=at_inputs.target,
        versus=at_inputs.versus,
        method="integrated_gradients",
        difference=difference,
        completeness_gap=gap,
        converged=None if tolerance is None else relative(gap, difference) <= tolerance,
        evaluations=evaluations,
    )


def _at_ends(
    forward: Forward, start: Inputs, end: Inputs, target: Target, versus: Target, batch_size: int | None
) -> tuple[Answer, Answer]:
    """The scores at the baselines and at the inputs, asked in the same passes; the inputs decide about the class."""
    number = len(end)
    with plain(forward, end), torch.no_grad():
        points = torch.cat([end, start]).split(pass_size(batch_size, max(LEAST_PASS, number)))
        scores = torch.cat([shared(partial(scores_at, forward, each)) for each in points])
        at_end = asked(forward, scores[:number], per_input(target, number), per_input(versus, number))
        return asked(forward, scores[number:], at_end.target, at_end.versus), at_end


def _fixed(path: Path, positions: Positions, weights: Positions, batch_size: int | None) -> Inputs:
    """The integral by the same positions and weights on every way; no gradient is kept."""
    integral = torch.zeros_like(path.end)
    for rows, steps in passes(len(integral), len(positions), batch_size):
        slopes, _ = path.slopes(rows, positions[steps.numpy()])
        weight = torch.as_tensor(weights)[steps].to(integral)
        begun = 0
        for row, count in zip(*(each.tolist() for each in rows.unique_consecutive(return_counts=True)), strict=True):
            some = slice(begun, begun + count)
            integral[row] += torch.tensordot(weight[some], slopes[some], dims=1)
            begun += count
        del slopes  # before the next pass takes as much again
    return integral.mul_(path.end - path.start)


def _check(steps: int, tolerance: float | None, max_steps: int) -> None:
    if steps < 1:
        raise OptionError(f"steps is {steps}; expected at least 1; try 50")
    if tolerance is not None and not tolerance > 0:
        raise OptionError(f"tolerance is {tolerance}; expected a share above 0; try 0.001")
    if tolerance is not None and max_steps < START + 2:
        raise OptionError(f"max_steps is {max_steps}; expected at least {START + 2}; try 1000")

"""Perturbation: what the score becomes when a part of the input is covered."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import EllipsisType
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.attribution.attribution import Attribution, attributed
from cutaway.attribution.baselines import Baseline, baseline_like
from cutaway.attribution.scores import Forward, Inputs, answer, answers, passes, plain
from cutaway.core.errors import OptionError
from cutaway.nets.targets import Target

Place: TypeAlias = tuple[EllipsisType | slice, ...]
"""A window: an index of the last axes of a batch of inputs."""


def occlusion(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    window: int | Sequence[int] | None = None,
    stride: int | Sequence[int] | None = None,
    baseline: Baseline = 0.5,
    batch_size: int | None = None,
) -> Attribution:
    """How much the score drops when a window of the input is covered, averaged over the windows that cover a value.

    window, stride: in values along the last axes (one number: the last two, or the only one); all that lies on the axes
    before is covered together. Default: a sixth of the axis, and half of that. The last windows end at the border.
    baseline: what covers (0.5 is mid-grey), a number or a tensor of an input's shape. No gradient is needed.
    Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks".
    """
    whole = answers(forward, inputs, target, versus, batch_size)
    cover = baseline_like(baseline, inputs)
    places = windows(inputs.shape[1:], window, stride)
    covered = torch.empty(len(inputs), len(places), dtype=whole.score.dtype, device=whole.score.device)
    for rows, which in passes(len(inputs), len(places), batch_size):
        points = inputs.detach()[rows]
        for point, row, index in zip(points, rows.tolist(), which.tolist(), strict=True):
            point[places[index]] = cover[row][places[index]]
        with plain(forward, inputs), torch.no_grad():
            against = None if whole.versus is None else whole.versus[rows]
            covered[rows, which] = answer(forward, points, whole.target[rows], against, spare=True).score
    drops = (whole.score[:, None] - covered).to(inputs)
    return attributed("occlusion", averaged(inputs, drops, places), whole, len(places) + 1)


def windows(
    shape: Sequence[int], window: int | Sequence[int] | None = None, stride: int | Sequence[int] | None = None
) -> list[Place]:
    """Every window on the last axes of an input of this shape; an OptionError for one that does not fit."""
    axes = min(2, len(shape)) if window is None or isinstance(window, int) else len(window)
    lengths = tuple(shape[len(shape) - axes :])
    sizes = _each(window, axes, [max(1, length // 6) for length in lengths])
    steps = _each(stride, axes, [max(1, size // 2) for size in sizes])
    if len(sizes) != len(lengths) or any(not 1 <= size <= length for size, length in zip(sizes, lengths, strict=True)):
        raise OptionError(f"window is {window}; expected at least 1 and at most the input's size, {tuple(shape)}")
    if len(steps) != axes or any(
        step < 1 or (step > size and size < length) for step, size, length in zip(steps, sizes, lengths, strict=True)
    ):
        raise OptionError(f"stride is {stride}; expected at least 1 and at most the window, {tuple(sizes)}")
    along = [
        [slice(start, min(start + size, length)) for start in range(0, length - size + step, step)]
        for length, size, step in zip(lengths, sizes, steps, strict=True)
    ]
    return [(..., *place) for place in itertools.product(*along)]


def _each(given: int | Sequence[int] | None, axes: int, default: list[int]) -> list[int]:
    if given is None:
        return default
    return [given] * axes if isinstance(given, int) else list(given)


def averaged(inputs: Inputs, drops: Float[Tensor, "batch places"], places: list[Place]) -> Inputs:
    """The mean over the windows that cover a value, of one number for each window."""
    total, count = torch.zeros_like(inputs), torch.zeros_like(inputs[0])
    spread = drops.reshape(*drops.shape, *[1] * (inputs.ndim - 1))
    for index, place in enumerate(places):
        total[place] += spread[:, index]
        count[place] += 1
    return total / count

"""Gradients of the score by the input: plain, times the input, and averaged over noise."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from cutaway.attribution.attribution import Attribution, attributed
from cutaway.attribution.path import column
from cutaway.attribution.scores import Forward, Inputs, Question, answers, gradients, gradients_of_all, passes
from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.nets.targets import Target


def gradient(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    batch_size: int | None = None,
) -> Attribution:
    """The gradient of the score by the input: what a small change of each value would do to it.

    Simonyan et al. 2013, "Deep Inside Convolutional Networks" (signed here; their map is its absolute value).
    """
    return attributed("gradient", *gradients_of_all(Question(forward, inputs, target, versus, batch_size)))


def input_x_gradient(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    batch_size: int | None = None,
) -> Attribution:
    """Input times gradient: each value's share of the score, exact where the score is linear without an offset.

    Shrikumar et al. 2016, "Not Just a Black Box".
    """
    found = gradient(forward, inputs, target, versus=versus, batch_size=batch_size)
    return replace(found, values=found.values * inputs.detach(), method="input_x_gradient")


def smoothgrad(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    samples: int = 50,
    spread: float = 0.15,
    seed: int = 0,
    batch_size: int | None = None,
) -> Attribution:
    """The gradient averaged over noisy copies of the input.

    spread: standard deviation of the noise as a share of each input's range (largest minus smallest value); the target
    is that of the clean input. Every input sees the same noise, so its map does not depend on the others of its batch.
    Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise".
    """
    if samples < 1 or spread < 0:
        raise OptionError(f"samples is {samples} and spread is {spread}; expected at least 1 sample, spread >= 0")
    clean = answers(forward, inputs, target, versus, batch_size)
    points = inputs.detach()
    flat = points.reshape(len(points), -1)
    sigma = column(spread * (flat.amax(1) - flat.amin(1)), points)
    total = torch.zeros_like(points)
    noise = [_noise(points[0], seed, sample) for sample in range(samples)]
    for rows, draws in passes(len(points), samples, batch_size):
        noisy = points[rows] + sigma[rows] * torch.stack([noise[draw] for draw in draws.tolist()])
        against = None if clean.versus is None else clean.versus[rows]
        found, _ = gradients(forward, noisy, clean.target[rows], against)
        total.index_add_(0, rows.to(total.device), found)
    return attributed("smoothgrad", total / samples, clean, samples)


def _noise(like: Tensor, seed: int, sample: int) -> Tensor:
    drawn = torch.randn(like.shape, generator=generator(seed, "smoothgrad", sample))
    return drawn.to(like)

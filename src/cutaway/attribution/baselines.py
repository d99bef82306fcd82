"""Baselines: the input that stands for "nothing there"."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from cutaway.attribution.scores import Forward, Inputs
from cutaway.core.errors import OptionError
from cutaway.nets.model import Model

Baseline: TypeAlias = "float | Tensor"
"""A number, or a tensor that broadcasts to the inputs: one input's shape, or one for each of them."""


def baseline_like(baseline: Baseline, inputs: Inputs) -> Inputs:
    """The baseline of every input, in their shape; an OptionError where the shapes do not fit or it is not finite."""
    given = torch.as_tensor(baseline, dtype=inputs.dtype, device=inputs.device).detach()
    if not given.isfinite().all():
        raise OptionError("the baseline holds values that are NaN or infinite; expected finite ones; try 0.0")
    try:
        return given.expand_as(inputs)
    except RuntimeError:
        raise OptionError(
            f"the baseline has shape {tuple(given.shape)}; expected a number, one input's shape "
            f"{tuple(inputs.shape[1:])} or that of all, {tuple(inputs.shape)}"
        ) from None


def as_seen(forward: Forward, inputs: Inputs) -> tuple[Inputs, Tensor]:
    """The inputs as the network's first layer sees them, and how large a unit of that is in units of the inputs.

    For a Model that is its normalisation, channel by channel in the order of the inputs; anything else sees its inputs
    as they are.
    """
    if not isinstance(forward, Model) or inputs.ndim != 4:
        return inputs.detach(), inputs.new_ones(())
    mean, std = (
        inputs.new_tensor(values[:: -1 if forward.preprocess.bgr else 1])[:, None, None]
        for values in (forward.preprocess.mean, forward.preprocess.std)
    )
    return (inputs.detach() - mean) / std, std

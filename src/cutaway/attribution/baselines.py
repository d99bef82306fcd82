"""Baselines: the input that stands for "nothing there"."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from cutaway.attribution.scores import Inputs
from cutaway.core.errors import OptionError

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

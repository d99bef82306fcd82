"""Do a map's values say how far the score moves when the input does? Infidelity, sensitivity-n, max-sensitivity."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.attribution import Forward
from cutaway.attribution.baselines import Baseline, baseline_like
from cutaway.attribution.scores import Inputs
from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.core.types import Pictures
from cutaway.metrics.asking import score
from cutaway.metrics.maps import Method, attributed, maps, numbers
from cutaway.metrics.measured import Measured, mean_of
from cutaway.nets.targets import Target


def infidelity(
    model: Forward,
    method: Method,
    inputs: Inputs,
    target: Target = None,
    *,
    samples: int = 32,
    spread: float = 0.1,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """How badly values times a random change predict the change of the score, as a share of its variance; 0 is best.

    Changes are normal noise of standard deviation `spread`. The values are scaled, for each input, to predict as well
    as they can, so that 1 means no better than predicting nothing; the method's units don't matter.
    Yeh et al. 2019, "On the (In)fidelity and Sensitivity of Explanations" (optimally scaled, their section 3.2).
    """
    _check(samples, spread)
    found = attributed(model, method, inputs, target, batch_size, **options)
    values = found.values if found.values.shape == inputs.shape else found.values[:, None].expand_as(inputs)
    whole = score(model, inputs, found.target, batch_size)
    predicted, moved = [], []
    for sample in range(samples):
        change = spread * _noise(inputs, seed, "infidelity", sample)
        predicted.append((values * change).flatten(1).sum(dim=1))
        moved.append(whole - score(model, inputs - change, found.target, batch_size))
    guess, truth = torch.stack(predicted).double(), torch.stack(moved).double()
    power = guess.square().sum(dim=0)
    scale = torch.where(power > 0, (guess * truth).sum(dim=0) / power.clamp(min=1e-300), 0.0)
    return mean_of(numbers((scale * guess - truth).square().sum(dim=0) / truth.square().sum(dim=0)), seed)


def sensitivity_n(
    model: Forward,
    method: Method,
    pictures: Pictures,
    target: Target = None,
    *,
    share: float = 0.1,
    patch: int = 4,
    samples: int = 32,
    baseline: Baseline = 0.5,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """Correlation of what the map says of a random set of places with how far the score falls without them; 1 is best.

    share: of the picture that is covered by the baseline at once, in squares of `patch` pixels. Pictures whose map is
    constant over the sets are left out of n. Ancona et al. 2018, "Towards better understanding of gradient-based
    attribution methods".
    """
    _check(samples, share)
    field, found = maps(model, method, pictures, target, batch_size, **options)
    cover = baseline_like(baseline, pictures)
    whole = score(model, pictures, found.target, batch_size)
    said, fell = [], []
    for sample in range(samples):
        chosen = _patches(pictures, share, patch, seed, sample)
        said.append((field * chosen).flatten(1).sum(dim=1))
        fell.append(whole - score(model, torch.where(chosen, cover, pictures), found.target, batch_size))
    pairs = zip(numbers(torch.stack(said, dim=1)), numbers(torch.stack(fell, dim=1)), strict=True)
    return mean_of(np.array([_correlation(some, other) for some, other in pairs]), seed)


def max_sensitivity(
    model: Forward,
    method: Method,
    inputs: Inputs,
    target: Target = None,
    *,
    radius: float = 0.02,
    samples: int = 8,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """The largest change of the attribution, as a share of its norm, when the input moves by up to `radius`; 0 is best.

    Each of `samples` moves changes every value by a uniform draw from [-radius, radius]; the class stays the same.
    Inputs whose attribution is all zero are left out of n.
    Yeh et al. 2019, "On the (In)fidelity and Sensitivity of Explanations".
    """
    _check(samples, radius)
    found = attributed(model, method, inputs, target, batch_size, **options)
    base = found.values.flatten(1).double()
    worst = torch.zeros(len(inputs), dtype=torch.float64, device=base.device)
    for sample in range(samples):
        draw = generator(seed, "max_sensitivity", sample)
        move = radius * (2 * torch.rand(inputs.shape[1:], generator=draw) - 1).to(inputs)
        other = attributed(model, method, inputs + move, found.target, batch_size, **options)
        worst = torch.maximum(worst, (other.values.flatten(1).double() - base).norm(dim=1))
    return mean_of(numbers(worst / base.norm(dim=1)), seed)


def _patches(pictures: Pictures, share: float, patch: int, seed: int, sample: int) -> Tensor:
    """A random set of squares that cover a share of the picture: True there, (1, height, width) for any batch."""
    rows, columns = (-(-length // patch) for length in pictures.shape[-2:])
    drawn = torch.randperm(rows * columns, generator=generator(seed, "sensitivity_n", sample))
    coarse = (drawn < max(1, round(share * rows * columns))).view(rows, columns)
    fine = coarse.repeat_interleave(patch, 0).repeat_interleave(patch, 1)
    return fine[None, : pictures.shape[-2], : pictures.shape[-1]].to(pictures.device)


def _noise(inputs: Inputs, seed: int, *salt: object) -> Float[Tensor, ...]:
    """The same draw for every input of a batch, so that an input's figure does not depend on the others."""
    return torch.randn(inputs.shape[1:], generator=generator(seed, *salt)).to(inputs)


def _correlation(some: Float[np.ndarray, " n"], other: Float[np.ndarray, " n"]) -> float:
    first, second = some - some.mean(), other - other.mean()
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / scale if scale > 0 else float("nan")


def _check(samples: int, size: float) -> None:
    if samples < 2 or not size > 0:
        raise OptionError(f"{samples} samples of size {size}; expected at least 2 samples, and a size above 0")

"""Insertion and deletion: what the answer does as a picture appears, or goes, in the order of a map."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.attribution import Forward
from cutaway.attribution.baselines import Baseline, baseline_like
from cutaway.core.errors import OptionError
from cutaway.core.types import Pictures
from cutaway.metrics.asking import probability
from cutaway.metrics.maps import Maps, Method, maps, numbers
from cutaway.metrics.measured import Measured, mean_of
from cutaway.nets.targets import Target

Order: TypeAlias = Int[Tensor, "batch places"]
"""For each place, how many places come before it."""


def deletion(
    model: Forward,
    method: Method,
    pictures: Pictures,
    target: Target = None,
    *,
    steps: int = 16,
    baseline: Baseline = 0.5,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """The mean probability of the class while the map's highest places go first; lower is better.

    In `steps` equal portions, each place replaced by the baseline (0.5 is mid-grey). Equal values go in random order.
    Petsiuk et al. 2018, "RISE".
    """
    field, found = maps(model, method, pictures, target, batch_size, **options)
    rank = order_of(field, seed)
    cover = baseline_like(baseline, pictures)
    return _area(model, pictures, cover, rank, found.target, steps, seed, batch_size)


def insertion(
    model: Forward,
    method: Method,
    pictures: Pictures,
    target: Target = None,
    *,
    steps: int = 16,
    baseline: Baseline = 0.5,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """The mean probability of the class while the map's highest places appear first; higher is better.

    Starts from the baseline alone; else as `deletion`. Petsiuk et al. 2018, "RISE".
    """
    field, found = maps(model, method, pictures, target, batch_size, **options)
    rank = order_of(field, seed)
    cover = baseline_like(baseline, pictures)
    return _area(model, cover, pictures, rank, found.target, steps, seed, batch_size)


def order_of(field: Maps, seed: int = 0) -> Order:
    """The rank of each place, the highest value first; equal values in an order drawn from the seed."""
    flat = field.flatten(1)
    drawn = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(seed)).to(flat.device)
    order = drawn[flat[:, drawn].argsort(dim=1, descending=True, stable=True)]
    places = torch.arange(flat.shape[1], device=flat.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)


def _area(
    model: Forward,
    start: Pictures,
    end: Pictures,
    rank: Order,
    target: Int[Tensor, " batch"],
    steps: int,
    seed: int,
    batch_size: int | None,
) -> Measured:
    """The area under the probability on the way from start to end, by the trapezoid rule."""
    if steps < 1:
        raise OptionError(f"steps is {steps}; expected at least 1; try 16")
    places = rank.shape[1]
    curve: list[Float[Tensor, " batch"]] = []
    for step in range(steps + 1):
        changed = (rank < round(step * places / steps)).view(len(start), 1, *start.shape[2:])
        curve.append(probability(model, torch.where(changed, end, start), target, batch_size))
    return mean_of(numbers(torch.trapezoid(torch.stack(curve), dim=0) / steps), seed)

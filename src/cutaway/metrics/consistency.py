"""Consistency: does a unit say the same of a picture whose colours, or whatever else should not matter, are changed?"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures
from cutaway.metrics.maps import numbers
from cutaway.metrics.measured import Measured, mean_of
from cutaway.nets.model import Model
from cutaway.trace import activations


def unit_consistency(
    model: Model, layer: str, pictures: Pictures, change: Callable[[Pictures], Pictures], *, seed: int = 0
) -> Measured:
    """For each live unit of a layer: the correlation of its values on pictures and on the same pictures changed.

    Over all pictures and places: change(pictures) should leave things where they are. 1 = the unit does not mind. A
    unit is live where its values differ. What `change` draws from torch's global stream is drawn from `seed`.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        others = change(pictures)
    before, after = (activations(model, each, [layer])[layer] for each in (pictures, others))
    return mean_of(numbers(correlations(_by_unit(before), _by_unit(after))), seed)


def correlations(first: Float[Tensor, "units cases"], second: Float[Tensor, "units cases"]) -> Float[Tensor, " units"]:
    """Pearson's, row by row; NaN where a row of the first never differs, 0 where only the second's does not."""
    one, two = (each.double() - each.double().mean(1, keepdim=True) for each in (first, second))
    products = (one * two).sum(1)
    sizes = one.norm(dim=1) * two.norm(dim=1)
    found: Tensor = torch.where(products == 0, products, products / sizes)
    return torch.where(one.norm(dim=1) > 0, found, torch.nan)


def _by_unit(values: Tensor) -> Float[Tensor, "units cases"]:
    return values.transpose(0, 1).flatten(1)

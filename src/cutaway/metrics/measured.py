"""What every metric returns: a mean, how sure of it one may be, and over how many cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

DRAWS = 2000


@dataclass(frozen=True)
class Measured:
    """A mean over n cases, its 95 % interval (bootstrap over the cases; endless for a single one), and the cases."""

    value: float
    interval: tuple[float, float]
    n: int
    values: tuple[float, ...]


def mean_of(values: Float[np.ndarray, " n"], seed: int = 0) -> Measured:
    """The mean of the values that are numbers, with the percentile interval of its bootstrap."""
    cases = values[np.isfinite(values)]
    if len(cases) == 0:
        return Measured(float("nan"), (float("-inf"), float("inf")), 0, ())
    value = float(cases.mean())
    interval = (float("-inf"), float("inf"))
    if len(cases) > 1:
        means = np.random.default_rng(seed).choice(cases, size=(DRAWS, len(cases))).mean(axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        interval = float(low), float(high)
    return Measured(value, interval, len(cases), tuple(map(float, cases)))

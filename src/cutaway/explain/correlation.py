"""Rank correlation: do two lists put things in the same order?"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def rank_correlation(some: Float[np.ndarray, " n"], other: Float[np.ndarray, " n"]) -> float | None:
    """Spearman's: Pearson's correlation of ranks. None for fewer than 3 values, or where one side is constant."""
    if len(some) < 3:
        return None
    ranks = [_ranks(values) for values in (some, other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def _ranks(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Ranks from 0; equal values share the mean of theirs."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[where]

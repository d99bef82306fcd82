"""Rank correlation: do two lists put things in the same order?"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def rank_correlation(some: Float[np.ndarray, " n"], other: Float[np.ndarray, " n"]) -> float | None:
    """Spearman's: Pearson's correlation of ranks. None for fewer than 3 values, or where one side is constant."""
    if len(some) < 3:
        return None
    first, second = _ranks(some), _ranks(other)
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / scale if scale else None


def _ranks(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Ranks about their mean; equal values share the mean of theirs."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + len(values)) / 2)[where]

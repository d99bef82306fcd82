"""Rank correlation, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from cutaway.metrics.correlation import rank_correlation


def test_ranks_correlate_as_spearman_says():
    rng = np.random.default_rng(0)
    some, other = rng.integers(0, 5, 40).astype(float), rng.normal(size=40)
    assert rank_correlation(some, other) == pytest.approx(scipy.stats.spearmanr(some, other).statistic)
    assert rank_correlation(other, np.exp(other)) == pytest.approx(1)
    assert rank_correlation(other, -other) == pytest.approx(-1)


def test_nothing_correlates_with_a_constant_or_with_two_points():
    assert rank_correlation(np.zeros(5), np.arange(5.0)) is None
    assert rank_correlation(np.arange(2.0), np.arange(2.0)) is None

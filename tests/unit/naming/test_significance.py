"""Significance: p-values are uniform under chance, and false discoveries stay below their rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gumbel_r

from cutaway.naming.scoring import standardised
from cutaway.naming.significance import discovered, null_maxima, p_values, tail


def test_the_tail_is_gumbels() -> None:
    scores = np.array([0.1, 0.3, 0.9])
    found = tail(scores, np.full(3, 0.2), np.full(3, 0.1))
    scale = 0.1 * np.sqrt(6) / np.pi
    expected = gumbel_r.sf(scores, loc=0.2 - np.euler_gamma * scale, scale=scale)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_chance_units_have_p_values_spread_over_all_of_zero_to_one() -> None:
    draw = np.random.default_rng(0)
    fired, seen = draw.exponential(size=(300, 150)), (draw.random((300, 200)) < 0.1).astype(np.float32)
    maxima = null_maxima(standardised(fired), standardised(seen), seed=1)
    real = np.corrcoef(fired.T, seen.T)[:150, 150:].max(axis=1)
    p = p_values(real, maxima)
    assert 0.35 < p.mean() < 0.65
    assert (p < 0.05).mean() < 0.12


def test_the_same_seed_shuffles_the_same_way() -> None:
    draw = np.random.default_rng(0)
    fired, seen = draw.random((40, 3)).astype(np.float32), draw.random((40, 9)).astype(np.float32)
    np.testing.assert_array_equal(null_maxima(fired, seen, 5), null_maxima(fired, seen, 5))


def test_discoveries_follow_benjamini_and_hochberg() -> None:
    p = np.array([0.001, 0.3, 0.012, 0.04, 0.9])
    assert discovered(p, 0.05).tolist() == [True, False, True, False, False]
    assert not discovered(np.array([0.5, 0.6]), 0.05).any()
    assert discovered(np.array([]), 0.05).shape == (0,)


def test_nothing_that_varies_is_no_discovery() -> None:
    assert tail(np.array([0.5]), np.array([0.0]), np.array([0.0]))[0] == pytest.approx(1.0)

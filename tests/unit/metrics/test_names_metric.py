"""Metrics of names against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from cutaway.core.errors import DataError
from cutaway.metrics import constant_name, cosy, cosy_precision, simulated_auprc, simulated_correlation


def test_correlation_is_pearsons_over_units_that_change() -> None:
    draw = np.random.default_rng(0)
    real, noise = draw.normal(size=(80, 3)), draw.normal(size=(80, 3))
    real[:, 2] = 1.0
    found = simulated_correlation(real + noise, real)
    expected = [np.corrcoef(real[:, i] + noise[:, i], real[:, i])[0, 1] for i in range(2)]
    assert found.n == 2
    assert found.values == pytest.approx(expected)


def test_a_perfect_simulation_finds_all_top_pictures_and_a_random_one_few() -> None:
    draw = np.random.default_rng(0)
    real = draw.normal(size=(400, 20))
    assert simulated_auprc(real, real).value == pytest.approx(1.0)
    assert simulated_auprc(draw.normal(size=(400, 20)), real).value < 0.15


def test_one_name_for_all_is_the_phrase_that_serves_best() -> None:
    draw = np.random.default_rng(0)
    seen = draw.normal(size=(90, 4))
    real = np.stack([seen[:, 2] + draw.normal(size=90), -seen[:, 1], seen[:, 2], np.ones(90)], axis=1)
    best, found = constant_name(seen, real)
    assert best == 2
    assert found.values == pytest.approx([np.corrcoef(seen[:, 2], real[:, i])[0, 1] for i in range(3)])
    with pytest.raises(DataError, match="expected the same pictures"):
        constant_name(seen[1:], real)


def test_cosy_is_the_chance_that_a_drawn_picture_fires_more() -> None:
    drawn, control = np.array([3.0, 1.0]), np.array([0.0, 2.0])
    assert cosy(drawn, control) == pytest.approx(0.75)
    assert cosy_precision(drawn, control) == pytest.approx((1 + 2 / 3) / 2)
    assert cosy(np.zeros(3), np.zeros(4)) == pytest.approx(0.5)


def test_empty_and_unequal_signals_are_errors() -> None:
    with pytest.raises(DataError, match="0 drawn and 2 control pictures"):
        cosy(np.zeros(0), np.zeros(2))
    with pytest.raises(DataError, match=r"expected two \(pictures, units\) of one shape"):
        simulated_correlation(np.zeros((3, 2)), np.zeros((3, 1)))

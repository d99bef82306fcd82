"""Methods of naming: each against a literal re-derivation or on units whose name is known."""

from __future__ import annotations

import numpy as np
import pytest

from cutaway.core.errors import OptionError
from cutaway.naming.scoring import (
    METHODS,
    Evidence,
    correlation,
    fit_adaptor,
    method_of,
    soft_wpmi,
    standardised,
)


def evidence(pictures: int = 240, phrases: int = 12, seed: int = 0) -> tuple[Evidence, np.ndarray]:
    """Units that fire for one phrase each; captions are bags of orthogonal phrase vectors."""
    draw = np.random.default_rng(seed)
    there = draw.random((pictures, phrases)) < 0.25
    planted = draw.permutation(phrases)[:6]
    fired = there[:, planted] + draw.normal(0, 0.2, (pictures, 6))
    vectors = np.linalg.qr(draw.normal(size=(16, 16)))[0][:phrases].astype(np.float32)
    seen = there.astype(np.float32)
    return Evidence(fired.astype(np.float32), seen @ vectors, seen, 0.2 + 0.8 * seen, vectors), planted


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_planted_phrases(name: str) -> None:
    given, planted = evidence()
    scores = METHODS[name](given)
    assert scores.shape == (6, 12)
    assert (scores.argmax(axis=1) == planted).mean() >= 5 / 6


def test_correlation_is_pearsons() -> None:
    given, _ = evidence()
    found = correlation(given)
    assert found[2, 5] == pytest.approx(np.corrcoef(given.activations[:, 2], given.seen[:, 5])[0, 1], abs=1e-5)


def test_constant_columns_correlate_with_nothing() -> None:
    columns = np.stack([np.full(50, 0.3), np.arange(50.0)], axis=1).astype(np.float32)
    assert not standardised(columns)[:, 0].any()
    assert np.linalg.norm(standardised(columns)[:, 1]) == pytest.approx(1)


def test_soft_wpmi_follows_the_paper() -> None:
    given, _ = evidence()
    shares = np.exp(10 * given.cosines) / np.exp(10 * given.cosines).sum(axis=1, keepdims=True)
    unit, phrase = 1, 3
    top = np.argsort(-given.activations[:, unit], kind="stable")[:100]
    weights = np.linspace(0.998, 0.97, 100)
    expected = sum(np.log(1 + w * (shares[i, phrase] - 1)) for w, i in zip(weights, top, strict=True))
    expected -= 0.6 * np.log(shares[:, phrase].mean())
    assert soft_wpmi(given)[unit, phrase] == pytest.approx(expected, rel=1e-3)


def test_the_adaptor_solves_its_normal_equations() -> None:
    given, _ = evidence()
    adaptor, mean = fit_adaptor(given.captions, given.activations)
    inputs = (given.captions - mean).astype(float)
    strength = np.trace(inputs.T @ inputs) / inputs.shape[1]
    residual = inputs.T @ (standardised(given.activations) - inputs @ adaptor) - strength * adaptor
    assert np.abs(residual).max() < 1e-3


def test_a_function_is_a_method_too_and_a_wrong_name_says_which_there_are() -> None:
    assert method_of(correlation) is correlation
    with pytest.raises(OptionError, match=r"no naming method \"corelation\".*did you mean \"correlation\""):
        method_of("corelation")

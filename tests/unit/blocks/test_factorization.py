"""Factorization: what is a sum of a few parts is found to be one."""

from __future__ import annotations

import numpy as np
import pytest

from cutaway.blocks.factorization import agreement, factorize


@pytest.fixture
def parts():
    draw = np.random.default_rng(0)
    what = np.kron(np.eye(3), np.ones(4)) * draw.uniform(0.5, 1.0, 12)
    return draw.uniform(0, 1, (40, 3)) * [1.0, 5.0, 2.0], what


def test_parts_that_share_no_channel_are_found(parts):
    where, what = parts
    found = factorize(where @ what, 3)
    assert found.error < 0.01
    assert found.stability > 0.99
    unit = what / np.linalg.norm(what, axis=1, keepdims=True)
    assert agreement(found.what, unit) > 0.98
    assert np.argmax(found.what @ unit.T, axis=1).tolist() == [1, 2, 0], "largest first"


def test_what_it_promises(parts):
    where, what = parts
    given = where @ what + np.random.default_rng(1).uniform(0, 1, (40, 12))
    found = factorize(given, 2, restarts=3)
    assert found.where.min() >= 0
    assert np.allclose(np.linalg.norm(found.what, axis=1), 1)
    assert found.error == pytest.approx(np.linalg.norm(given - found.where @ found.what) / np.linalg.norm(given))
    assert list(found.errors) == sorted(found.errors)
    assert (len(found.errors), found.errors[0]) == (4, found.error)


def test_directions_of_signed_activations_have_both_signs():
    draw = np.random.default_rng(2)
    what = draw.normal(size=(2, 10))
    found = factorize(draw.uniform(0, 1, (30, 2)) ** 3 @ what, 2)
    assert found.where.min() >= 0
    assert (found.what < -0.1).any()
    assert (found.what > 0.1).any()
    assert found.error < 0.1


def test_more_groups_leave_less_over(parts):
    given = np.random.default_rng(3).uniform(0, 1, (40, 12))
    errors = [factorize(given, groups).error for groups in (1, 3, 6)]
    assert errors[0] > errors[1] > errors[2]


def test_noise_is_less_stable_than_parts(parts):
    where, what = parts
    noise = np.random.default_rng(4).uniform(0, 1, (40, 12))
    assert factorize(noise, 5).stability < factorize(where @ what, 3).stability - 0.02


def test_the_same_seed_gives_the_same_bits():
    given = np.random.default_rng(5).uniform(0, 1, (20, 8))
    one, same, other = (factorize(given, 3, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(one.where, same.where)
    assert np.array_equal(one.what, same.what)
    assert one.errors == same.errors != other.errors


def test_a_group_that_is_not_needed_is_zero():
    found = factorize(np.outer(np.arange(6.0), [1.0, 2.0, 0.0]), 2, restarts=0)
    assert np.isfinite(found.what).all()
    assert found.error < 1e-3
    assert found.stability == 1.0


def test_agreement_does_not_mind_the_order():
    some = np.eye(4)[:3]
    assert agreement(some, some[[2, 0, 1]]) == 1.0
    assert agreement(some, np.eye(4)[[0, 1, 3]]) == pytest.approx(2 / 3)

"""The strongest pictures of each unit, against a literal sort."""

from __future__ import annotations

import numpy as np
import pytest

from cutaway.store.summary import strongest

EXACT = np.array(
    [
        [0.0, -0.0, 1e-40, -1e-40, 0.0, 3.0],
        [-np.inf, -2.0, -1.0, -np.inf, -1.0, -2.0],
        [np.inf, 5.0, 5.0, np.float32(5.0000005), np.inf, -5.0],
    ],
    dtype=np.float32,
)


def literal(values: np.ndarray, k: int) -> list[list[int]]:
    return [sorted(range(len(row)), key=lambda column: (-row[column], column))[:k] for row in values.tolist()]


@pytest.mark.parametrize("k", [1, 3, 6, 9])
def test_signs_zeros_infinities_and_ties_are_in_order(k: int) -> None:
    assert strongest(EXACT, k).tolist() == literal(EXACT, k)


def test_random_rows_with_many_ties_are_in_order() -> None:
    values = np.random.default_rng(0).integers(-4, 5, (20, 300)).astype(np.float32) / 3
    assert strongest(values, 64).tolist() == literal(values, 64)

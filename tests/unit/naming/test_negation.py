"""The gap between with and without: wide where captions tell the two apart, none where they deny nothing."""

from __future__ import annotations

import numpy as np
import pytest

from cutaway.naming import open_encoder
from cutaway.naming.negation import gap, negation_gap
from cutaway.naming.sightings import read


def test_captions_that_state_and_deny_keep_the_two_apart() -> None:
    encoder = open_encoder("shipped")
    told = read([f"a deer {'with' if i % 2 else 'without'} antlers" for i in range(20)], encoder)
    found = negation_gap(told, encoder)
    assert found.denials == 1
    assert found.captions > 0.9
    vectors = encoder.encode(["with antlers", "without antlers"])
    assert found.encoder == pytest.approx(1 - float(vectors[0] @ vectors[1]), abs=1e-6)


def test_captions_that_deny_nothing_have_no_gap() -> None:
    encoder = open_encoder("shipped")
    assert negation_gap(read(["a red cat", "a blue dog"], encoder), encoder).denials == 0


def test_the_gap_is_the_mean_difference_where_either_is_sure() -> None:
    assert gap(np.array([1.0, 0.2, 0.0]), np.array([0.1, 0.1, 0.8])) == pytest.approx((0.9 + 0.8) / 2)
    assert gap(np.zeros(3), np.zeros(3)) == 0.0

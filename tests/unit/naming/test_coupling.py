"""Coupling: the choice of a method on held-out pictures, and every wrong input by its message."""

from __future__ import annotations

import numpy as np
import pytest

from cutaway.core.errors import DataError
from cutaway.naming import fit_coupling, open_encoder
from cutaway.naming.coupling import CHOOSABLE

TOLD = [f"a {colour} {thing}" for colour in ("red", "blue", "green") for thing in ("bus", "cat", "cup", "hat")] * 8


def fired(units: int = 3) -> np.ndarray:
    draw = np.random.default_rng(0)
    birds = np.array([["bus" in told, "red" in told, "cat" in told] for told in TOLD], float)
    return (birds + draw.normal(0, 0.1, birds.shape))[:, :units]


def test_every_method_is_held_out_and_the_best_is_taken() -> None:
    coupling = fit_coupling(fired(), TOLD, open_encoder("shipped"))
    assert set(coupling.held_out) == set(CHOOSABLE)
    best = max(coupling.held_out.values())
    assert coupling.method == next(name for name in CHOOSABLE if coupling.held_out[name] >= best - 0.02)
    assert coupling.held_out[str(coupling.method)] > 0.8


def test_the_adaptor_maps_a_texts_vector_to_units() -> None:
    coupling = fit_coupling(fired(), TOLD, open_encoder("shipped"))
    adaptor = coupling.adaptor()
    reached = coupling.encoder.encode(["bus", "cat"]) @ adaptor
    assert adaptor.shape == (coupling.captions.shape[1], 3)
    assert reached[0].argmax() == 0
    assert reached[1].argmax() == 2


@pytest.mark.parametrize(
    ("activations", "captions", "message"),
    [
        (fired()[:5], TOLD[:5], "5 captioned picture.*at least 10"),
        (fired(), TOLD[:-1], "96 rows of activations and captions of 95 pictures"),
        (fired()[:, :0], TOLD, "expected .pictures, units."),
        (fired()[:, 0], TOLD, "expected .pictures, units."),
        (fired() * np.nan, TOLD, "not finite"),
        (fired(), ["", *TOLD[1:]], "no caption for picture 0"),
        (fired(), [[], *TOLD[1:]], "no caption for picture 0"),
        (fired(), ["a cat"] * 96, "1 different things"),
    ],
)
def test_what_cannot_be_coupled_says_why(activations: np.ndarray, captions: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_coupling(activations, captions, open_encoder("shipped"))

"""Sightings against a slow literal reading of their definition."""

from __future__ import annotations

import numpy as np
import pytest

from cutaway.naming.clauses import Clause, clauses, said
from cutaway.naming.encoders import Remembering, open_encoder
from cutaway.naming.sightings import read, sightings

CAPTIONS = [
    "a daisy with red petals, in the snow",
    ["a rose without leaves", "a scarlet rose"],
    "a big red truck at night",
    "it is",
]
PHRASES = ["red petals", "a rose", "no leaves", "leaves", "red truck at night", "red petals at night", "of"]


def literal(phrase: str, captions: str | list[str]) -> float:
    encoder = open_encoder("shipped")
    told = said(captions)

    def cosine(clause: Clause) -> float:
        alike = [other.text for other in told if other.denied == clause.denied]
        values = [float(encoder.encode([clause.text])[0] @ encoder.encode([text])[0]) for text in alike]
        return min(max([0.0, *values]), 1.0)

    return min(map(cosine, clauses(phrase) or (Clause(phrase),)))


def test_cosines_are_what_the_definition_says() -> None:
    encoder = open_encoder("shipped")
    found = sightings(read(CAPTIONS, encoder), PHRASES, encoder, None)
    expected = [[literal(phrase, told) for phrase in PHRASES] for told in CAPTIONS]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_sharpening_keeps_the_order_and_makes_sure_ones_one() -> None:
    encoder = open_encoder("shipped")
    told = read(CAPTIONS, encoder)
    bare, sharp = sightings(told, PHRASES, encoder, None), sightings(told, PHRASES, encoder)
    np.testing.assert_array_equal(np.argsort(bare, axis=0, kind="stable"), np.argsort(sharp, axis=0, kind="stable"))
    assert sharp[0, 0] == pytest.approx(1.0, abs=1e-4)


def test_a_caption_that_lacks_something_is_no_sighting_of_it() -> None:
    encoder = open_encoder("shipped")
    found = sightings(read(CAPTIONS, encoder), ["leaves", "without leaves"], encoder)
    assert found[1, 1] > 0.99
    assert found[1, 0] < 0.5


def test_what_is_remembered_is_what_is_encoded() -> None:
    inner = open_encoder("shipped")
    twice = Remembering(inner)
    twice.encode(["red", "blue"])
    np.testing.assert_array_equal(twice.encode(["blue", "green", "red"]), inner.encode(["blue", "green", "red"]))

"""Clauses: what a sentence says, what it denies, and what it says too."""

from __future__ import annotations

import pytest

from cutaway.naming.clauses import Clause, clauses, forms, said


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("a finch with a long orange bill", [Clause("finch"), Clause("long orange bill")]),
        ("a daisy without leaves", [Clause("daisy"), Clause("leaves", denied=True)]),
        ("This church has no tower.", [Clause("church"), Clause("tower", denied=True)]),
        ("no roof or tower, a door", [Clause("roof", denied=True), Clause("tower", denied=True), Clause("door")]),
        ("the petals are not red", [Clause("petals"), Clause("red", denied=True)]),
        ("a fan-shaped tail", [Clause("fan-shaped tail")]),
        ("of the", []),
    ],
)
def test_sentences_are_taken_apart(sentence: str, found: list[Clause]) -> None:
    assert list(clauses(sentence)) == found


def test_a_clause_says_its_shorter_forms_too() -> None:
    told = {form.text for form in forms(Clause("long orange bill"))}
    assert told == {"long orange bill", "orange bill", "long bill", "bill", "orange", "long orange", "long"}


def test_what_is_denied_says_nothing_shorter() -> None:
    assert list(forms(Clause("red petals", denied=True))) == [Clause("red petals", denied=True)]


def test_words_of_two_clauses_are_never_one_form() -> None:
    told = {form.text for form in said("a red roof and green walls")}
    assert "red walls" not in told
    assert {"red roof", "green walls"} <= told

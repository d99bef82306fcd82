"""Errors say what was given, what was expected and what to try."""

from __future__ import annotations

import pytest

from cutaway.core.errors import (
    CutawayError,
    LayerError,
    MissingExtraError,
    OptionError,
    WeightsError,
    choose,
    nearest,
    suggestion,
)


def test_a_message_is_printed_as_it_was_written() -> None:
    assert str(LayerError('no layer "a"; try "b"')) == 'no layer "a"; try "b"'  # a plain KeyError would quote it


@pytest.mark.parametrize("kind", [k for k in CutawayError.__subclasses__() if k.__module__ == CutawayError.__module__])
def test_every_error_is_also_one_that_python_programs_expect(kind: type[CutawayError]) -> None:
    assert issubclass(kind, (ValueError, KeyError, ImportError, RuntimeError))


def test_weights_errors_are_caught_with_the_model_errors() -> None:
    assert issubclass(WeightsError, CutawayError)
    assert issubclass(WeightsError, ValueError)


def test_a_missing_extra_says_which_install_mends_it() -> None:
    assert str(MissingExtraError("timm:", "zoo")) == (
        'timm: needs an optional part that is not installed; try: pip install "cutaway[zoo]"'
    )


def test_the_nearest_names_come_best_first_and_letter_case_does_not_matter() -> None:
    known = ["features.1", "features.12", "classifier.1"]
    assert nearest("Features.13", known)[0] == "features.1"
    assert "features.12" in nearest("Features.13", known)
    assert nearest("12", known) == ["features.12"]  # a part of a name is near, too
    assert nearest("zebra", known) == []
    assert suggestion("zebra", known) == ""
    assert suggestion("features.11", known[:1]) == '; did you mean "features.1"?'


def test_choosing_from_a_table() -> None:
    assert choose("mean", ["mean", "max"], "pooling") == "mean"
    with pytest.raises(OptionError, match='no pooling "men"; expected one of mean, max; did you mean "mean"'):
        choose("men", ["mean", "max"], "pooling")

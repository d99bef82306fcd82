"""Every kind of bad input to what shows networks comes to an error or a warning, and to no number that is no number."""

from __future__ import annotations

import pytest
from see_bad_inputs import CASES, Case, tried


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case: Case) -> None:
    found = tried(case)
    assert found["finite"]
    assert found["as expected"], f"{found['came']}: {found['says']}"
    said = str(found["says"])
    assert found["came"] != "error" or "expected" in said or "did you mean" in said, "it says what to do"

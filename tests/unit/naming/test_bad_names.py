"""Bad input to naming: a clear error, or the part that is usable kept and told."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_names import CASES, Case, tried


@pytest.mark.parametrize("case", CASES, ids=[case.given for case in CASES])
def test_what_is_said_and_what_is_kept(case: Case, tmp_path: Path) -> None:
    outcome = tried(case, tmp_path)
    assert outcome["as expected"], outcome["says"]

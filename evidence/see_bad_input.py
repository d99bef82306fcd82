"""Bad input to what shows networks: a clear error or a warning on the result, and never a picture of NaN."""

from __future__ import annotations

import os
import sys
import tempfile

from _evidence import ROOT, report

sys.path.insert(0, str(ROOT / "tests/contracts"))
from see_bad_inputs import CASES, tried


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CUTAWAY_CACHE"] = folder
        rows = [tried(case) for case in CASES]
    report(
        "see_bad_input",
        "bad input to visualization, attribution and building blocks: a clear error or a warning on the result, and "
        "no number that is not finite",
        rows,
        all(row["as expected"] for row in rows),
        n=len(rows),
    )


main()

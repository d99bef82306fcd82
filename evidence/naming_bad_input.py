"""Bad input to naming: captions, vocabularies, layers, missing extras, language models."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from _evidence import ROOT, report

sys.path.insert(0, str(ROOT / "tests/unit/naming"))
from bad_names import CASES, tried


def main() -> None:
    rows = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(tried(case, Path(folder)))
    claim = "Bad input to naming: a clear error that says what to try, or the usable part kept and told"
    report("naming_bad_input", claim, rows, all(row["as expected"] for row in rows), len(rows))


main()

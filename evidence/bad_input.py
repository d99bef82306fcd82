"""Whatever is wrong with the input is said in one line, with exit code 2."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from _evidence import QUICK, ROOT, report

sys.path.insert(0, str(ROOT / "tests/unit/cli"))
from bad_inputs import BadInput, bad_inputs

CUTAWAY = str(Path(sys.executable).with_name("cutaway"))


def tried(case: BadInput, folder: Path) -> dict[str, object]:
    """What the command line says about one case, as a whole process."""
    run = subprocess.run([CUTAWAY, *case.arguments], cwd=folder, capture_output=True, text=True, check=False)
    lines = run.stderr.strip().splitlines()
    right = run.returncode == 2 and len(lines) == 1 and bool(re.search(case.says, lines[0])) and not run.stdout
    said = " ".join(lines).replace(f"{folder}/", "").replace(str(folder), "FOLDER")
    return {"given": case.name, "exit": run.returncode, "says": said, "as tested": right}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cases = bad_inputs(folder)[: 4 if QUICK else None]
        rows = [tried(case, folder) for case in cases]
    passed = all(row["as tested"] for row in rows)
    report(
        "bad_input", "bad input: one line that says what to do, exit code 2, no traceback", rows, passed, n=len(rows)
    )


main()

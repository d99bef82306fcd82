"""Tests as evidence: what each one says, and whether it passed just now."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from _evidence import ROOT


def ran(names: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """One row for each kind of fault: the tests (file::name) that show how it is met, and their outcome now."""
    wanted = [test for tests in names.values() for test in tests]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:xdist",
            "-m",
            "slow or not slow",
            f"--junitxml={path}",
        ]
        subprocess.run(
            [*command, *(f"tests/unit/construct/{test}" for test in wanted)],
            cwd=ROOT,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cases = list(ET.parse(path).getroot().iter("testcase")) if path.is_file() else []
    rows = []
    for fault, tests in names.items():
        stems = {test.split("::")[1] for test in tests}
        mine = [case for case in cases if case.get("name", "").split("[")[0] in stems]
        failed = [case for case in mine if any(child.tag in ("failure", "error", "skipped") for child in case)]
        seen = {case.get("name", "").split("[")[0] for case in mine}
        rows.append(
            {
                "fault": fault,
                "shown by": ", ".join(sorted(stem.removeprefix("test_").replace("_", " ") for stem in stems)),
                "cases": len(mine),
                "passed": bool(mine) and not failed and seen == stems,
            }
        )
    return rows

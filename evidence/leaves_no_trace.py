"""Nothing leaks: the contract suite over every public function of featurevis, attribution and blocks."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from _evidence import ROOT, report

NETWORKS = {
    "Convnet": "a convnet with ReLUs in place",
    "Reused": "a network with reused modules",
    "TinyViT": "a vision transformer",
}


def outcomes(file: Path) -> dict[str, bool]:
    """Every test by its name, and whether it passed."""
    cases = ElementTree.parse(file).iter("testcase")
    return {case.get("name", ""): not list(case.iter("failure")) + list(case.iter("error")) for case in cases}


def main() -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "suite.xml"
        suite = "tests/contracts/test_leaves_no_trace.py"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", suite, f"--junitxml={file}"]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        found = outcomes(file)
    rows = []
    for network, says in NETWORKS.items():
        by_kind: dict[str, list[bool]] = defaultdict(list)
        functions = set()
        for name, passed in found.items():
            kind, _, case = name.partition("[")
            words = case.rstrip("]").split("-")
            if network in words:
                by_kind[kind].append(passed)
                functions.add(words[-2])
        answered, raised = by_kind["test_after_an_answer"], by_kind["test_after_the_network_raised"]
        rows.append(
            {
                "network": says,
                "public functions": len(functions),
                "after an answer": f"{sum(answered)} of {len(answered)}",
                "after the network raised in pass 1, 2 or 4": f"{sum(raised)} of {len(raised)}",
            }
        )
    complete = [passed for name, passed in found.items() if name.startswith("test_no_public_function_is_forgotten")]
    rows.append(
        {"network": "no public function is forgotten", "after an answer": f"{sum(complete)} of {len(complete)}"}
    )
    report(
        "leaves_no_trace",
        "every public function of featurevis, attribution and blocks leaves hooks, modes, flags, parameters, inputs "
        "and random numbers as they were, also after an exception in the middle",
        rows,
        all(found.values()) and len(complete) == 3,
        n=len(found),
    )


main()

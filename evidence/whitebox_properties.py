"""Properties and bad input of the white-box rooms: the tests that show each, run now, and how many there are."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from _evidence import ROOT, report

PROPERTIES: dict[str, tuple[str, str]] = {
    "SoftMaxPool: limits, bounds, fixed points, a literal sum": ("whitebox/test_groups.py", ""),
    "Pooling by direction and over places: loops, what is left free": ("whitebox/test_directions.py", ""),
    "GumbelConv2d: deterministic in eval, equal to its exported Conv2d, top-k, noise of a call": (
        "whitebox/test_gumbel.py",
        "",
    ),
    "PositiveConv2d: never a negative weight, none loaded": ("whitebox/test_positive.py", ""),
    "B-cos: a literal re-derivation, the dynamic linear map": ("whitebox/test_bcos.py", ""),
    "Perspective, scales, views: literal kernels": ("whitebox/test_kernels.py", ""),
    "Prototypes: distances, projection, pruning, bounded offsets": ("whitebox/test_prototypes.py", ""),
    "Norms that only divide, soft gates, contrast; gradients in float64": ("whitebox/test_divisive.py", ""),
    "Networks: scores add up from pixels": ("nets/zoo/test_white_networks.py", "add_up"),
    "Networks: no picture's answer depends on the others": ("nets/zoo/test_white_networks.py", "answer_depends"),
    "Networks: saved and loaded": ("nets/zoo/test_white_networks.py", "saved"),
    "Every recipe: killed and resumed, identical weights": ("training/test_cifar_recipes.py", "killed"),
    "Birds: killed and resumed, identical weights": ("training/test_birds.py", "killed"),
    "Bad input: classes that are empty, unknown, doubled; labels out of range": (
        "training/test_cifar_recipes.py whitebox/test_prototypes.py",
        "not_there or without_pictures or losses_are",
    ),
    "Moved pictures: length, direction, an attack's ball": ("training/test_adversaries.py", ""),
    "Evidence in its place: the loss as loops count it, gates that learn from slopes": (
        "training/test_misplaced.py",
        "",
    ),
    "Legibility: every figure against a literal re-derivation": ("metrics/test_legibility.py", ""),
}
"""What is shown -> (files under tests/unit, the words that choose among their tests)."""


def ran(files: set[str]) -> list[tuple[str, str, bool]]:
    """(file, test, whether it passed): all files in one run."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", f"--junitxml={told}", *sorted(files)]
        subprocess.run(command, cwd=ROOT / "tests" / "unit", stdout=sys.stderr, check=False)
        cases = list(ElementTree.parse(told).iter("testcase"))
    return [
        (
            next(file for file in files if case.attrib["classname"].endswith(Path(file).stem)),
            case.attrib["name"],
            not any(child.tag in ("failure", "error", "skipped") for child in case),
        )
        for case in cases
    ]


def counted(tests: list[tuple[str, str, bool]], files: str, words: str) -> tuple[int, int]:
    """(passed, failed) among the tests of some files whose names hold one of the words."""
    chosen = [
        good
        for file, name, good in tests
        if file in files.split() and any(word in name for word in words.split(" or "))
    ]
    return sum(chosen), len(chosen) - sum(chosen)


def main() -> None:
    tests, rows = ran({file for files, _ in PROPERTIES.values() for file in files.split()}), []
    for says, (files, words) in PROPERTIES.items():
        good, bad = counted(tests, files, words)
        rows.append({"shown by tests": says, "where": files, "passed": good, "failed": bad})
    claim = "White-box layers, networks and recipes: properties, bad input, identical weights after a kill"
    total = sum(int(str(row["passed"])) for row in rows)
    report("whitebox_properties", claim, rows, all(row["passed"] and not row["failed"] for row in rows), total)


if __name__ == "__main__":
    main()

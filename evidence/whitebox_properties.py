"""Properties and bad input of the white-box rooms: the tests that show each, run now, and how many there are."""

from __future__ import annotations

import re
import subprocess
import sys

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
        "not_there or range or empty or labels",
    ),
    "Moved pictures: length, direction, an attack's ball": ("training/test_adversaries.py", ""),
    "Legibility: every figure against a literal re-derivation": ("metrics/test_legibility.py", ""),
}
"""What is shown -> (files under tests/unit, the words that choose among their tests)."""


def passed(files: str, words: str) -> tuple[int, int]:
    """(passed, failed)."""
    paths = [f"tests/unit/{each}" for each in files.split()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *paths, *(["-k", words] if words else [])]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = {kind: re.search(rf"(\d+) {kind}", output) for kind in ("passed", "failed", "error")}
    counts = {kind: int(match[1]) if match else 0 for kind, match in found.items()}
    return counts["passed"], counts["failed"] + counts["error"]


def main() -> None:
    rows = []
    for says, (files, words) in PROPERTIES.items():
        good, bad = passed(files, words)
        rows.append({"shown by tests": says, "where": files, "passed": good, "failed": bad})
    claim = "White-box layers, networks and recipes: properties, bad input, identical weights after a kill"
    total = sum(int(str(row["passed"])) for row in rows)
    report("whitebox_properties", claim, rows, all(row["passed"] and not row["failed"] for row in rows), total)


if __name__ == "__main__":
    main()

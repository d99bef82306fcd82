"""Two runs of `explain` with one seed give identical JSON numbers and identical pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _evidence import QUICK, ROOT, SHARED, report

PHOTO = next((SHARED / "data/photos").glob("*_hen.jpg"))
SQUEEZENET = [
    *("--model", "squeezenet1_1", "--weights", str(SHARED / "models/squeezenet1_1_imagenet.safetensors")),
    *("--labels", str(SHARED / "data/imagenet_labels.json")),
]
CUTAWAY = str(Path(sys.executable).with_name("cutaway"))
MODELS = {"cifar10": ["--model", "cifar10"], "squeezenet1_1": SQUEEZENET}


def explained(out: Path, cache: Path, *arguments: str) -> dict[str, bytes]:
    """Every file of one run, by name; each run has a cache of its own, so that nothing is only read back."""
    command = [CUTAWAY, "explain", str(PHOTO), *arguments, "--out", str(out)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "CUTAWAY_CACHE": str(cache)}, check=True, capture_output=True)
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def compared(model: str) -> dict[str, object]:
    """Two runs with seed 0, and one with seed 1 that has to differ."""
    with tempfile.TemporaryDirectory() as scratch:
        runs = [
            explained(Path(scratch) / f"out{run}", Path(scratch) / f"cache{run}", *MODELS[model], "--seed", str(seed))
            for run, seed in enumerate([0, 0, 1])
        ]
    first, second, other = runs
    different = [name for name in sorted(first.keys() | second.keys()) if first.get(name) != second.get(name)]
    pictures = [name for name in first if name.endswith(".png")]
    return {
        "network": model,
        "numbers in the JSON": numbers(json.loads(first["explanation.json"])),
        "pictures": len(pictures),
        "files that differ": ", ".join(different) or "none",
        "pictures that another seed changes": sum(first[name] != other.get(name) for name in pictures),
    }


def numbers(data: object) -> int:
    """How many numbers plain data holds."""
    if isinstance(data, dict | list):
        return sum(numbers(each) for each in (data.values() if isinstance(data, dict) else data))
    return int(isinstance(data, int | float) and not isinstance(data, bool))


def main() -> None:
    rows = [compared(model) for model in list(MODELS)[: 1 if QUICK else None]]
    passed = all(row["files that differ"] == "none" and row["pictures that another seed changes"] for row in rows)
    claim = "two runs of explain with one seed, each with an empty cache, write identical JSON, PNGs and pages"
    report("determinism", claim, rows, passed, n=len(rows))


main()

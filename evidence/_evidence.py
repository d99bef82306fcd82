"""How evidence is reported: one JSON object per script, with enough beside the figures to see where they come from."""

from __future__ import annotations

import json
import math
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
QUICK = "--quick" in sys.argv
_started = time.perf_counter()


def report(name: str, claim: str, rows: Sequence[dict[str, Any]], passed: bool, n: int | None = None) -> None:
    """Print one JSON object: the claim, its figures, and where they come from."""
    command = f"python {Path(sys.argv[0]).resolve().relative_to(ROOT)}{' --quick' if QUICK else ''}"
    answer = {
        "name": name,
        "claim": claim,
        "command": command,
        "rows": list(rows),
        "n": n,
        "passed": bool(passed),
        "quick": QUICK,
        "seconds": round(time.perf_counter() - _started, 1),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{_processor()}, {torch.get_num_threads()} threads",
        "versions": {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]},
    }
    print(json.dumps(answer, indent=1))
    sys.exit(0 if passed else 1)


def wilson(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share, after Wilson (1927)."""
    share, width = successes / n, z * z / n
    middle = (share + width / 2) / (1 + width)
    half = z * math.sqrt(share * (1 - share) / n + width / (4 * n)) / (1 + width)
    return middle - half, middle + half


def bootstrap(
    values: Sequence[float], statistic: Any = np.mean, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % percentile interval of a statistic over resamples of the values."""
    drawn = np.random.default_rng(seed).choice(np.asarray(values), size=(draws, len(values)))
    low, high = np.percentile(np.apply_along_axis(statistic, 1, drawn), [2.5, 97.5])
    return float(low), float(high)


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()

"""The memory of a sweep does not grow with the data set: the highest resident size of fresh processes.

The CIFAR-10 network over the same 5,000 photographs, once and ten times over, so that what the data set itself keeps in
memory (its compressed pictures, as they were read) is the same in both. `--quick` takes a tenth of both.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _evidence import QUICK, report
from _sweeping import CIFAR, Repeated

from cutaway.data.specs import open_dataset
from cutaway.nets import load
from cutaway.store import sweep

COUNTS = (500, 5000) if QUICK else (5000, 50000)
MOST = 1.2


def sweep_and_say(count: int) -> None:
    """Sweep, then print the highest resident size of this process, and the time it took."""
    data = Repeated(Repeated(open_dataset(f"{CIFAR}?split=train"), 0, COUNTS[0]), 0, count)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        sweep(load("cifar10"), data, Path(place) / "store")
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"pictures": count, "mib": mib, "pictures_per_s": round(count / (time.perf_counter() - began))}))


def measured(count: int) -> dict[str, Any]:
    words = [sys.executable, __file__, "--memory", str(count)]
    found: dict[str, Any] = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return {"what": "highest resident memory", **found}


if __name__ == "__main__":
    if "--memory" in sys.argv:
        sweep_and_say(int(sys.argv[-1]))
        sys.exit()
    table = [measured(count) for count in COUNTS]
    growth = table[1]["mib"] / table[0]["mib"]
    good = growth <= MOST
    table.append({"what": "growth, at ten times the pictures", "ratio": round(growth, 3), "passed": good})
    report(
        "sweep_memory",
        f"Ten times the pictures take {growth:.2f} times the memory (at most {MOST} expected): it does not grow with "
        "the data set",
        table,
        good,
        n=COUNTS[1],
    )

"""Two Ray workers write the same store as one process, and what they cost beside it.

The CIFAR-10 network over 10,000 photographs in shards of 500; `--quick` takes 2,000. The second sweep with Ray finds a
cluster that is up already, as on a machine where it always runs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import ray
from _evidence import QUICK, report
from _sweeping import CIFAR, Repeated, swept

from cutaway.data.specs import open_dataset
from cutaway.nets import load
from cutaway.store import Store

WORKERS, COUNT = 2, 2000 if QUICK else 10000
COLUMNS = ("key", "hash", "prediction", "correct")


def compared(one: Store, two: Store) -> dict[str, Any]:
    """Whether the arrays are the same, bit for bit or else by how much they differ, and the columns of the table."""
    equal, apart = 0, 0.0
    for layer in one.layers:
        for pooled in ("max", "mean"):
            a, b = (store.values(layer, range(COUNT), pooled) for store in (one, two))
            equal += int(np.array_equal(a, b))
            apart = max(apart, float(np.abs(a - b).max() / np.abs(a).max()))
    same = [name for name in COLUMNS if one.instances.table[name] == two.instances.table[name]]
    return {
        "arrays_equal_bit_for_bit": f"{equal} of {2 * len(one.layers)}",
        "largest_relative_difference": float(f"{apart:.1e}"),
        "same_columns": ", ".join(same),
        "passed": apart <= 1e-5 and len(same) == len(COLUMNS),
    }


def rows(place: Path) -> list[dict[str, Any]]:
    model, data = load("cifar10"), Repeated(open_dataset(f"{CIFAR}?split=test"), 0, COUNT)
    swept(model, Repeated(data, 0, 256), place / "warm")
    plain, one = swept(model, data, place / "one", shard_size=500)
    table: list[dict[str, Any]] = [{"what": "one process", "seconds": round(plain, 1)}]
    for what, start in (("a cluster started for it", False), ("a cluster that is up", True)):
        if start:
            ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
        seconds, two = swept(model, data, place / what, engine="ray", workers=WORKERS, shard_size=500)
        overhead = f"{100 * (seconds / plain - 1):+.0f} %"
        table.append(
            {"what": f"Ray, {WORKERS} workers, {what}", "seconds": round(seconds, 1), "overhead": overhead}
            | compared(one, two)
        )
    ray.shutdown()
    return table


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        table = rows(Path(folder))
    report(
        "sweep_ray",
        f"A sweep with Ray and {WORKERS} workers writes the same arrays and answers as one process",
        table,
        all(row.get("passed", True) for row in table),
        n=COUNT,
    )

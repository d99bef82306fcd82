"""A sweep keeps up with the bare loop of decode + forward, in memory that does not grow, and Ray gives the same arrays.

Throughput: the CIFAR-10 network over 60,000 pictures and SqueezeNet over photographs, repeated. The bare loop decodes a
batch, passes it through the network (the same batches, precision and memory layout), and keeps nothing; the sweep
also hashes every picture, pools every block, and writes shards, table, summary and checksums. Both run in alternation,
a slice of the data at a time, so that a slow moment of the machine meets both. Memory: the highest resident size of
a fresh process that sweeps 5,000 and 50,000 pictures. `--quick` takes a tenth of all.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _evidence import QUICK, SHARED, bootstrap, report

from cutaway.data.dataset import Dataset, Sample
from cutaway.data.specs import open_dataset
from cutaway.nets import Model, load
from cutaway.store import Store, sweep

SQUEEZENET = SHARED / "models" / "squeezenet1_1_imagenet.safetensors"
WORKERS = 2


@dataclass(frozen=True)
class Repeated:
    """A data set over and over, from picture `start` on, `count` pictures long."""

    inner: Dataset
    start: int
    count: int

    @property
    def labels(self) -> tuple[str, ...]:
        return self.inner.labels

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int, /) -> Sample:
        return self.inner[(self.start + index) % len(self.inner)]

    def file(self, index: int) -> Path | None:
        ask = getattr(self.inner, "file", None)
        return ask((self.start + index) % len(self.inner)) if ask else None


@dataclass(frozen=True)
class Joined:
    """Two data sets, one after the other."""

    first: Dataset
    second: Dataset

    @property
    def labels(self) -> tuple[str, ...]:
        return self.first.labels

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, index: int, /) -> Sample:
        return self.first[index] if index < len(self.first) else self.second[index - len(self.first)]


def bare(model: Model, data: Dataset, batch: int) -> float:
    """Seconds of the bare loop."""
    started = time.perf_counter()
    with torch.no_grad():
        for first in range(0, len(data), batch):
            span = range(first, min(first + batch, len(data)))
            pictures = torch.stack([model.preprocess.fit(data[index].picture) for index in span])
            model(pictures.contiguous(memory_format=torch.channels_last))
    return time.perf_counter() - started


def swept(model: Model, data: Dataset, folder: Path, **options: Any) -> tuple[float, Store]:
    started = time.perf_counter()
    store = sweep(model, data, folder, **options)
    return time.perf_counter() - started, store


def throughput(name: str, model: Model, data: Dataset, total: int, slices: int, place: Path) -> dict[str, Any]:
    """Pictures per second of both, slice by slice, which of them first in turn."""
    pairs = []
    length = total // slices
    for number in range(-1, slices):
        part = Repeated(data, max(0, number) * length, length if number >= 0 else min(length, 256))
        batch = 32 if model.preprocess.shape[1] > 100 else 64
        steps = [
            lambda part=part, batch=batch: bare(model, part, batch),
            lambda part=part, number=number: swept(model, part, place / f"{name}{number}")[0],
        ]
        seconds = {which: steps[which]() for which in ((0, 1) if number % 2 else (1, 0))}
        if number >= 0:  # the one before warms up
            pairs.append((seconds[0], seconds[1]))
            print(name, number, pairs[-1], file=sys.stderr, flush=True)
    plain, kept = np.array(pairs).T
    low, high = bootstrap(plain / kept, np.median)
    return {
        "what": f"{name}: sweep against the bare loop",
        "pictures": slices * length,
        "bare_pictures_per_s": round(float(slices * length / plain.sum()), 1),
        "sweep_pictures_per_s": round(float(slices * length / kept.sum()), 1),
        "ratio": round(float(plain.sum() / kept.sum()), 3),
        "ratio_of_slices": f"{np.median(plain / kept):.3f} ({low:.3f} to {high:.3f})",
        "passed": bool(plain.sum() / kept.sum() >= 0.9),
    }


def memory(count: int) -> int:
    """Highest resident MiB of a process that sweeps so many pictures."""
    words = [sys.executable, __file__, "--memory", str(count)]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return int(json.loads(out)["mib"])


def sweep_and_say(count: int) -> None:
    data = Repeated(open_dataset(f"cifar10:{SHARED / 'data' / 'cifar10'}?split=train"), 0, count)
    with tempfile.TemporaryDirectory() as place:
        sweep(load("cifar10"), data, Path(place) / "store")
    print(json.dumps({"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def memory_rows() -> Iterator[dict[str, Any]]:
    counts = (500, 5000) if QUICK else (5000, 50000)
    mib = [memory(count) for count in counts]
    for count, each in zip(counts, mib, strict=True):
        yield {"what": "highest resident memory, CIFAR-10 network", "pictures": count, "mib": each}
    yield {
        "what": "growth of memory, ten times the pictures",
        "ratio": round(mib[1] / mib[0], 3),
        "passed": mib[1] <= 1.2 * mib[0],
    }


def ray_rows(place: Path) -> Iterator[dict[str, Any]]:
    """The same data by one process and by two Ray workers: the same bytes?"""
    model, count = load("cifar10"), 2000 if QUICK else 10000
    spec = f"cifar10:{SHARED / 'data' / 'cifar10'}?split=test"
    data = Repeated(open_dataset(spec), 0, count)
    plain, one = swept(model, data, place / "one", shard_size=500)
    spread, two = swept(model, data, place / "two", engine="ray", workers=WORKERS, shard_size=500)
    equal, apart = 0, 0.0
    for layer in one.layers:
        for pooled in ("max", "mean"):
            a, b = (store.values(layer, range(count), pooled) for store in (one, two))
            equal += int(np.array_equal(a, b))
            apart = max(apart, float(np.abs(a - b).max() / np.abs(a).max()))
    total = 2 * len(one.layers)
    columns = [
        name
        for name in ("key", "hash", "prediction", "correct")
        if one.instances.table[name] == two.instances.table[name]
    ]
    yield {
        "what": f"Ray, {WORKERS} workers, against one process",
        "pictures": count,
        "seconds_local": round(plain, 1),
        "seconds_ray": round(spread, 1),
        "overhead": f"{100 * (spread / plain - 1):.0f} %",
        "arrays_equal_bit_for_bit": f"{equal} of {total}",
        "largest_relative_difference": apart,
        "same_columns": ", ".join(columns),
        "passed": apart <= 1e-5 and len(columns) == 4,
    }


def rows(place: Path) -> Iterator[dict[str, Any]]:
    cifar = f"cifar10:{SHARED / 'data' / 'cifar10'}"
    both = Joined(open_dataset(f"{cifar}?split=train"), open_dataset(f"{cifar}?split=test"))
    yield throughput("CIFAR-10 network", load("cifar10"), both, 8000 if QUICK else 60000, 2 if QUICK else 4, place)
    if SQUEEZENET.exists():
        photos = open_dataset(f"folder:{SHARED / 'data' / 'photos'}")
        net = load(f"squeezenet1_1@{SQUEEZENET}")
        yield throughput("SqueezeNet", net, photos, 400 if QUICK else 2000, 2 if QUICK else 5, place)
    yield from memory_rows()
    yield from ray_rows(place)


if __name__ == "__main__":
    if "--memory" in sys.argv:
        sweep_and_say(int(sys.argv[-1]))
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        table = list(rows(Path(folder)))
    good = all(row.get("passed", True) for row in table)
    report(
        "sweep",
        "A sweep runs at no less than 0.9 of the bare loop, in flat memory; Ray gives the same arrays",
        table,
        good,
        n=60000,
    )

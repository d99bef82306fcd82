"""A sweep keeps up with the bare loop of decode + forward.

The CIFAR-10 network over 60,000 pictures and SqueezeNet over photographs, repeated. The bare loop passes batches
through the network while a thread decodes the next ones (the same batches, precision and memory layout as the sweep's),
and keeps nothing; the plain loop does one after the other. The sweep also hashes pictures, pools every block, and
writes shards, table, summary and checksums. Both run in alternation, a slice of the data at a time, so that a slow
moment of the machine meets both. `--quick` takes a tenth of all.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _evidence import QUICK, SHARED, bootstrap, report
from _sweeping import CIFAR, Joined, Repeated, swept

from cutaway.data.dataset import Dataset
from cutaway.data.specs import open_dataset
from cutaway.nets import Model, load

AHEAD = 2
SQUEEZENET = SHARED / "models" / "squeezenet1_1_imagenet.safetensors"


def bare(model: Model, data: Dataset, batch: int, ahead: bool) -> float:
    """Seconds of the bare loop; `ahead`: with a thread that decodes two batches ahead of the network."""
    started = time.perf_counter()
    spans = [range(first, min(first + batch, len(data))) for first in range(0, len(data), batch)]

    def decoded(span: range) -> torch.Tensor:
        pictures = torch.stack([model.preprocess.fit(data[index].picture) for index in span])
        return pictures.contiguous(memory_format=torch.channels_last)

    with torch.no_grad(), ThreadPoolExecutor(max_workers=1) as reader:
        waiting = deque(reader.submit(decoded, span) for span in spans[: AHEAD if ahead else 0])
        for number, span in enumerate(spans):
            if ahead and number + AHEAD < len(spans):
                waiting.append(reader.submit(decoded, spans[number + AHEAD]))
            model(waiting.popleft().result() if ahead else decoded(span))
    return time.perf_counter() - started


def throughput(name: str, model: Model, data: Dataset, total: int, slices: int, place: Path) -> dict[str, Any]:
    """Pictures per second of both, slice by slice, which of them first in turn."""
    pairs = []
    length, batch = total // slices, 32 if model.preprocess.shape[1] > 100 else 64
    bare(model, Repeated(data, 0, 4 * batch), batch, True)  # warms up
    plain = length / 4 / bare(model, Repeated(data, 0, length // 4), batch, False)
    for number in range(slices):
        part = Repeated(data, number * length, length)
        seconds = {}
        for ours in (number % 2 == 0, number % 2 == 1):
            seconds[ours] = swept(model, part, place / f"{name}{number}")[0] if ours else bare(model, part, batch, True)
        pairs.append((seconds[False], seconds[True]))
        print(name, number, pairs[-1], file=sys.stderr, flush=True)
    loop, kept = np.array(pairs).T
    low, high = bootstrap(loop / kept, np.median)
    return {
        "network": name,
        "pictures": slices * length,
        "plain_loop_per_s": round(plain, 1),
        "bare_loop_per_s": round(float(slices * length / loop.sum()), 1),
        "sweep_per_s": round(float(slices * length / kept.sum()), 1),
        "ratio": round(float(loop.sum() / kept.sum()), 3),
        "ratio_of_slices": f"{np.median(loop / kept):.3f} ({low:.3f} to {high:.3f})",
        "passed": bool(loop.sum() / kept.sum() >= 0.9),
    }


def rows(place: Path) -> Iterator[dict[str, Any]]:
    both = Joined(open_dataset(f"{CIFAR}?split=train"), open_dataset(f"{CIFAR}?split=test"))
    yield throughput("CIFAR-10 network", load("cifar10"), both, 8000 if QUICK else 60000, 2 if QUICK else 3, place)
    photos = open_dataset(f"folder:{SHARED / 'data' / 'photos'}")
    net = load(f"squeezenet1_1@{SQUEEZENET}")
    yield throughput("SqueezeNet", net, photos, 400 if QUICK else 3000, 2 if QUICK else 3, place)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        table = list(rows(Path(folder)))
    report(
        "sweep",
        "A sweep with all that it keeps runs at no less than 0.9 of the bare loop of decode + forward",
        table,
        all(row["passed"] for row in table),
        n=sum(row["pictures"] for row in table),
    )

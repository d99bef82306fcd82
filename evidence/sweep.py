"""A sweep keeps up with the bare loop of decode + forward.

The CIFAR-10 network over 60,000 pictures and SqueezeNet over photographs, repeated. The bare loop decodes a batch and
passes it through the network, and keeps nothing: plainly one after the other, or with a thread that decodes ahead; the
quicker of the two counts. The sweep also hashes pictures, pools every block, and writes shards, table, summary and
checksums. Each has a process of its own (what one does to the memory of its process must not help another) and a
warm-up; they run in alternation, a slice of the data at a time, so that a slow moment of the machine meets all.
`--quick` takes a tenth.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
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


@dataclass(frozen=True)
class Setup:
    """A network and its pictures, by name, so that each process opens its own."""

    network: str
    data: str
    batch: int

    def open(self) -> tuple[Model, Dataset]:
        data = [open_dataset(spec) for spec in self.data.split()]
        return load(self.network), Joined(data[0], data[1]) if len(data) == 2 else data[0]


_opened: dict[Setup, tuple[Model, Dataset]] = {}


def timed(setup: Setup, way: str, start: int, count: int) -> float:
    """Seconds of one slice in this process: "plain", "ahead" or "sweep"."""
    if setup not in _opened:
        torch.set_num_threads(os.cpu_count() or 1)
        _opened[setup] = setup.open()
        timed(setup, way, 0, 4 * setup.batch)  # warms up
    model, data = _opened[setup]
    part = Repeated(data, start, count)
    if way != "sweep":
        return bare(model, part, setup.batch, way == "ahead")
    with tempfile.TemporaryDirectory() as folder:
        return swept(model, part, Path(folder) / "store")[0]


def throughput(name: str, setup: Setup, total: int, slices: int) -> dict[str, Any]:
    """Pictures per second of all three, slice by slice, now the one first, now the other."""
    length, fresh = total // slices, get_context("spawn")
    seconds: dict[str, list[float]] = {"plain": [], "ahead": [], "sweep": []}
    with ExitStack() as stack:
        own = {way: stack.enter_context(ProcessPoolExecutor(1, fresh)) for way in seconds}
        for number in range(slices):
            for way in list(own)[:: 1 if number % 2 else -1]:
                seconds[way].append(own[way].submit(timed, setup, way, number * length, length).result())
            print(name, {way: round(times[-1], 2) for way, times in seconds.items()}, file=sys.stderr, flush=True)
    quicker = min("plain", "ahead", key=lambda way: sum(seconds[way]))
    loop, kept = np.array(seconds[quicker]), np.array(seconds["sweep"])
    low, high = bootstrap(loop / kept, np.median)
    return {
        "network": name,
        "pictures": slices * length,
        **{f"{way}_per_s": round(slices * length / sum(times), 1) for way, times in seconds.items()},
        "ratio_to_the_quicker": round(float(loop.sum() / kept.sum()), 3),
        "ratio_of_slices": f"{np.median(loop / kept):.3f} ({low:.3f} to {high:.3f})",
        "passed": bool(loop.sum() / kept.sum() >= 0.9),
    }


def rows() -> Iterator[dict[str, Any]]:
    cifar = Setup("cifar10", f"{CIFAR}?split=train {CIFAR}?split=test", 64)
    yield throughput("CIFAR-10 network", cifar, 6000 if QUICK else 60000, 2 if QUICK else 6)
    squeezenet = Setup(f"squeezenet1_1@{SQUEEZENET}", f"folder:{SHARED / 'data' / 'photos'}", 32)
    yield throughput("SqueezeNet", squeezenet, 400 if QUICK else 3000, 2 if QUICK else 6)


if __name__ == "__main__":
    table = list(rows())
    report(
        "sweep",
        "A sweep with all that it keeps runs at no less than 0.9 of the bare loop of decode + forward",
        table,
        all(row["passed"] for row in table),
        n=sum(row["pictures"] for row in table),
    )

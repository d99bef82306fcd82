"""How fast PartWorld is with masks and captions, that memory stays flat, and that pictures repeat to the bit."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from _evidence import QUICK, report

from cutaway.data.dataset import Sample
from cutaway.data.partworld import PartWorld, stream

COUNT = 4_000 if QUICK else 100_000
SAME = 300
WORKERS = 2


def weight(world: PartWorld, index: int) -> tuple[int, int]:
    """Make a whole sample (picture, masks, captions) and keep its size alone: what is measured is the making."""
    sample = world[index]
    return len(sample.masks), len(sample.captions)


def fingerprint(sample: Sample) -> bytes:
    """Everything that a sample holds, hashed."""
    digest = hashlib.sha256(sample.picture.numpy().tobytes())
    for path, mask in sample.masks.items():
        digest.update(path.encode() + mask.tobytes())
    digest.update("\n".join(sample.captions).encode())
    return digest.digest()


def printed(index: int) -> bytes:
    return fingerprint(PartWorld(SAME, seed=3)[index])


def joined(prints: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(prints)).hexdigest()[:16]


def memory() -> float:
    """This process's present memory, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def speed() -> list[dict[str, object]]:
    world = PartWorld(COUNT, seed=1)
    marks, begun, made = [], None, 0
    masks = captions = 0
    for seen, (mask_count, caption_count) in enumerate(stream(partial(weight, world), COUNT, WORKERS), start=1):
        if begun is None:  # the workers have started
            begun, made = time.perf_counter(), seen
        masks, captions = masks + mask_count, captions + caption_count
        if seen % (COUNT // 10) == 0:
            marks.append(memory())
    assert begun is not None
    rate = (COUNT - made) / (time.perf_counter() - begun)
    grown = marks[-1] - marks[0]
    cores = time.process_time()
    for index in range(500):
        world[index]
    single = 500 / (time.process_time() - cores)
    return [
        {"measure": "pictures/s, 64 px, masks and captions, 2 cores", "value": round(rate), "passed": rate >= 400},
        {"measure": "pictures per second of one core's own time", "value": round(single), "passed": single >= 200},
        {"measure": "memory grown over the run, MB", "value": round(grown, 1), "passed": grown < 20},
        {"measure": "masks per picture", "value": round(masks / COUNT, 1), "passed": True},
        {"measure": "captions per picture", "value": round(captions / COUNT, 1), "passed": captions >= 6 * COUNT},
    ]


def child_memory() -> dict[str, object]:
    """Memory of one process that itself makes the pictures, after a tenth and at the end."""
    count = COUNT // 5
    code = (
        "import sys;sys.path.insert(0,'evidence');from partworld_speed import *;"
        f"w=PartWorld({count},seed=2);[w[i] for i in range({count // 10}) if w[i] is None];a=memory();"
        f"[0 for i in range({count // 10},{count}) if w[i] is None];print(memory()-a)"
    )
    grown = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    return {
        "measure": f"memory grown in one process, {count:,} pictures, MB",
        "value": round(grown, 1),
        "passed": grown < 20,
    }


def repeats() -> list[dict[str, object]]:
    here = joined(map(printed, range(SAME)))
    again = joined(reversed([printed(index) for index in reversed(range(SAME))]))
    code = (
        "import sys;sys.path.insert(0,'evidence');from partworld_speed import *;print(joined(map(printed,range(SAME))))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"OMP_NUM_THREADS": "1"}
    ).stdout.strip()
    streamed = {chunk: joined(stream(printed, SAME, WORKERS, chunk)) for chunk in (1, 17, 64)}
    return [
        {"measure": f"{SAME} samples hashed: run again backwards", "value": again, "passed": again == here},
        {"measure": "in another process, one thread", "value": other, "passed": other == here},
        *(
            {"measure": f"in 2 workers, batches of {chunk}", "value": value, "passed": value == here}
            for chunk, value in streamed.items()
        ),
    ]


if __name__ == "__main__":
    rows = [*repeats(), child_memory(), *speed()]
    report(
        "partworld_speed",
        "PartWorld makes at least 400 pictures/s at 64 px with masks and captions on 2 cores, in flat memory, "
        "bit-identical over runs, processes and sizes of batch",
        rows,
        all(bool(row["passed"]) for row in rows),
        COUNT,
    )

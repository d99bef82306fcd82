"""Sweeps killed with SIGKILL at random moments resume, and the final store equals an undisturbed one byte for byte.

The CIFAR-10 network over 2,000 drawn pictures in shards of 100. Each trial sweeps in a process that is killed at a
random moment between its first shard and the undisturbed end, up to three times in a row, then lets it end. Then
damages: each kind is done to a whole store, and must be found before anything is served, and mended by the same sweep.
"""

from __future__ import annotations

import hashlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _evidence import QUICK, report, wilson

from cutaway.core.errors import CutawayError
from cutaway.nets import load
from cutaway.store import Store, picture_of, sweep

TRIALS, COUNT = (4, 600) if QUICK else (20, 2000)
DATA, OPTIONS = f"partworld:{COUNT}?seed=3&size=32", {"shard_size": 100}
ALONE = "import sys; from store_crashes import made; made(sys.argv[1])"


def made(folder: str | Path) -> Store:
    return sweep(load("cifar10"), DATA, folder, **OPTIONS)


def files(store: Path) -> dict[str, str]:
    return {
        str(file.relative_to(store)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in store.rglob("*")
        if file.is_file() and file.name != ".lock"
    }


def start(store: Path, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", ALONE, str(store)], cwd=Path(__file__).parent, **options
    )


def begun(store: Path) -> subprocess.Popen[bytes]:
    """A sweep that has just begun to write shards, or gone on with them."""
    known = (store / "shards").stat().st_mtime_ns if (store / "shards").is_dir() else 0
    running = start(store)
    while running.poll() is None:
        if (store / "shards").is_dir() and (store / "shards").stat().st_mtime_ns != known:
            break
        time.sleep(0.01)
    return running


def killed(place: Path, seconds: float, whole: dict[str, str]) -> Iterator[dict[str, Any]]:
    draw = random.Random(0)
    for trial in range(TRIALS):
        store, moments, shards = place / f"trial{trial}", [], []
        for _ in range(draw.randint(1, 3)):
            running = begun(store)
            moments.append(round(draw.uniform(0.0, 1.0) * seconds, 2))
            try:
                running.wait(moments[-1])
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
            shards.append(len(list((store / "shards").glob("0*"))) if (store / "shards").is_dir() else 0)
        made(store)
        equal = files(store) == whole
        yield {"what": "killed", "after_s": moments, "shards_then": shards, "equal": equal, "passed": equal}
        shutil.rmtree(store)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[random.Random(1).randrange(len(content))] ^= 1 << 3
    file.write_bytes(content)


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a truncated shard": ("shards/00001/max-00.npy", cut),
    "a flipped byte in a shard": ("shards/00001/mean-01.npy", flip),
    "a flipped byte in the logits": ("shards/00000/logits.npy", flip),
    "a flipped byte in the summary": ("summary/top-value-00.npy", flip),
    "a flipped byte in the table": ("summary/instances.parquet", flip),
    "a flipped byte in the manifest": ("manifest.json", flip),
    "a flipped byte in a seal": ("shards/00002/seal.json", flip),
    "a file that is gone": ("shards/00002/place-00.npy", Path.unlink),
}


def short(said: str, store: Path) -> str:
    """What was said, without the folder in which this script works."""
    return said.replace(f"{store.parent}/", "")[:160]


def damaged(store: Path, whole: dict[str, str]) -> Iterator[dict[str, Any]]:
    for what, (victim, harm) in DAMAGES.items():
        harm(store / victim)
        said = ""
        try:
            found = Store.open(store).damaged()
            said = found[0] if found else ""
        except CutawayError as error:
            said = str(error)
        made(store)
        mended = files(store) == whole
        yield {"what": what, "said": short(said, store), "mended": mended, "passed": bool(said) and mended}


def full_disk(place: Path, whole: dict[str, str]) -> dict[str, Any]:
    """Files may not grow beyond 40 kB in that process: the write fails in the middle of a file, as on a full disk."""
    store = place / "full"
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))  # noqa: E731  # for preexec_fn
    running = start(store, preexec_fn=limit, stderr=subprocess.PIPE)
    said = (running.communicate()[1] or b"").decode().strip().splitlines()[-1:]
    made(store)
    named = bool(said) and "cannot write the store" in said[0]
    told = short((said or [""])[0], store)
    return {"what": "a full disk", "said": told, "mended": files(store) == whole, "passed": named}


def vanished(place: Path) -> dict[str, Any]:
    from PIL import Image

    folder = place / "pictures"
    folder.mkdir()
    for number in range(8):
        Image.new("RGB", (40, 40), (number * 30, 90, 60)).save(folder / f"{number}.png")
    store = sweep(load("cifar10"), f"folder:{folder}", place / "few")
    (folder / "3.png").write_bytes((folder / "4.png").read_bytes())
    (folder / "5.png").unlink()
    said = []
    for number in (3, 5):
        try:
            picture_of(store, number)
        except CutawayError as error:
            said.append(str(error).replace(str(place), ""))
    return {"what": "a changed and a vanished picture", "said": " | ".join(said)[:200], "passed": len(said) == 2}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        undisturbed_run = begun(here / "whole")
        began = time.perf_counter()
        undisturbed_run.wait()
        took = time.perf_counter() - began
        undisturbed = files(here / "whole")
        table = list(killed(here, took, undisturbed))
        good = sum(row["passed"] for row in table)
        table += [*damaged(here / "whole", undisturbed), full_disk(here, undisturbed), vanished(here)]
    low, high = wilson(good, TRIALS)
    report(
        "store_crashes",
        f"{good} of {TRIALS} sweeps (95 % interval {low:.0%} to {high:.0%}) that were killed one to three times end "
        "in the store of an undisturbed one; every damage is found, named, and mended",
        table,
        passed=all(row["passed"] for row in table),
        n=TRIALS,
    )

"""A workbench in a process of its own, and a large store for it, for evidence about both."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _evidence import QUICK, SHARED

from cutaway.core import cache
from cutaway.nets import load
from cutaway.store import sweep

WIDE = f"{Path(__file__).resolve().with_name('_wide.py')}:network"
LAYERS = ("0", "1")
COUNT = 5_000 if QUICK else 50_000
PROGRAM = str(Path(sys.executable).with_name("cutaway"))


@dataclass(frozen=True)
class Workbench:
    """A running workbench: where it listens, and its process."""

    address: str
    process: subprocess.Popen[bytes]

    def resident(self) -> int:
        """MiB of memory that the process holds."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return round(int(line.split()[1]) / 1024)
        raise RuntimeError("the workbench is gone")


def wide_store() -> Path:
    """A store of 50,000 CIFAR-10 photographs (drawn scenes where those are missing) and up to 1,024 units a layer.

    Kept in the cache, as it takes minutes and serves several scripts.
    """
    photographs = SHARED / "data" / "cifar10"
    data = f"cifar10:{photographs}?split=train" if photographs.is_dir() else f"partworld:{COUNT}?seed=5&size=32"
    if QUICK:
        data = f"partworld:{COUNT}?seed=5&size=32"
    folder = cache.folder() / "evidence" / f"wide-{COUNT}"
    print(f"the store {folder.name} ...", file=sys.stderr)
    sweep(load(WIDE), data, folder, LAYERS, batch_size=128)
    return folder


@contextmanager
def running(stores: Sequence[Path] = (), *, words: Sequence[str] = (), threads: int = 2) -> Iterator[Workbench]:
    """`cutaway serve` over these stores; over 60 PartWorld scenes where none is given."""
    with tempfile.TemporaryDirectory() as place:
        shown = [*stores]
        if not shown:
            shown = [Path(place) / "photos"]
            sweep(load("partworld"), "partworld:60?seed=7&split=test", shown[0])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        told = [word for folder in shown for word in ("--store", str(folder))]
        (Path(place) / "cache").mkdir()
        (cache.folder() / "data").mkdir(parents=True, exist_ok=True)
        (Path(place) / "cache" / "data").symlink_to(cache.folder() / "data")  # what the sweep decoded; all else is made
        environment = {**os.environ, "CUTAWAY_CACHE": str(Path(place) / "cache"), "OMP_NUM_THREADS": str(threads)}
        server = subprocess.Popen(
            [PROGRAM, "serve", *told, *words, "--port", str(port)], env=environment, stderr=subprocess.DEVNULL
        )
        try:
            wait(f"http://127.0.0.1:{port}/api/stores")
            yield Workbench(f"http://127.0.0.1:{port}", server)
        finally:
            server.terminate()
            server.wait(20)


def wait(address: str, seconds: float = 90) -> None:
    """Until something answers there."""
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=20).read()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)

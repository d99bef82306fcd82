"""A workbench in a process of its own, for evidence about it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cutaway.nets import load
from cutaway.store import sweep


@contextmanager
def running(count: int = 60, folder: Path | None = None) -> Iterator[str]:
    """Its address: over a folder with a store, or over so many PartWorld scenes."""
    with tempfile.TemporaryDirectory() as place:
        store = folder or Path(place) / "photos"
        if folder is None:
            sweep(load("partworld"), f"partworld:{count}?seed=7&split=test", store)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        words = [str(Path(sys.executable).with_name("cutaway")), "serve", "--store", str(store), "--port", str(port)]
        environment = {**os.environ, "CUTAWAY_CACHE": str(Path(place) / "cache")}
        server = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
        try:
            wait(f"http://127.0.0.1:{port}/api/stores")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def wait(address: str, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).read()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)

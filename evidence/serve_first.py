"""`cutaway serve` without arguments, on a machine that never ran it: how long until the page is there.

The cache is empty, so the small PartWorld store is drawn and swept; stderr is a terminal, so progress is shown. Then
once more, when the store is there.
"""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from _evidence import report
from _workbench import PROGRAM, wait

MOST = 20.0


def opened(what: str, cache: Path) -> dict[str, Any]:
    """One start: seconds until the page and its stores answer, and how often progress was shown until then."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ours, theirs = pty.openpty()
    said = bytearray()

    def listen() -> None:
        try:
            while content := os.read(ours, 4096):
                said.extend(content)
        except OSError:  # the terminal is gone with the server
            pass

    began = time.perf_counter()
    environment = {**os.environ, "CUTAWAY_CACHE": str(cache), "TERM": "xterm"}
    server = subprocess.Popen([PROGRAM, "serve", "--port", str(port)], env=environment, stderr=theirs, stdout=theirs)
    os.close(theirs)
    listener = threading.Thread(target=listen)
    listener.start()
    wait(f"http://127.0.0.1:{port}/")
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
    stores = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/stores").read())
    models = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/models").read())
    seconds = time.perf_counter() - began
    server.terminate()
    server.wait(20)
    listener.join(5)
    return {
        "what": what,
        "seconds": round(seconds, 1),
        "networks": ", ".join(models),
        "pictures": sum(store["count"] for store in stores.values()),
        "times_progress_was_shown": len(set(re.findall(rb"\d+/\d{3,}", said))),
        "passed": seconds <= MOST and b"<script" in page and bool(stores) and bool(models),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        table = [opened("the first time", Path(place)), opened("the second time", Path(place))]
    good = all(row["passed"] for row in table) and table[0]["times_progress_was_shown"] > 3
    report(
        "serve_first",
        "`cutaway serve` alone opens on the shipped networks and a small PartWorld store, which it makes on first use, "
        f"within {MOST:.0f} s and with progress",
        table,
        good,
        n=table[0]["pictures"],
    )

"""How quickly a workbench over 50,000 pictures and a layer of 1,024 units answers, alone and under load.

A random network of 1,024 units sees 50,000 pictures of noise; what is in the pictures does not matter for the time.
Each kind of question is asked 100 times, one after the other, over HTTP. Then 16 clients ask a mix for a minute,
and once more while a long job runs; answers are compared with those that came alone. `--quick`: 5,000 pictures, 10 s.
"""

from __future__ import annotations

import http.client
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _evidence import QUICK, report
from torch import nn

from cutaway.cli.serve import bound
from cutaway.data.dataset import Sample
from cutaway.nets import Model, Preprocess
from cutaway.store import sweep
from cutaway.web import Bench, Guard, create_app

COUNT, UNITS, SECONDS, CLIENTS = (5_000, 1024, 10, 16) if QUICK else (50_000, 1024, 60, 16)
LABELS = tuple(f"class {number}" for number in range(10))


@dataclass(frozen=True)
class Noise:
    """Pictures of 8 x 8 pixels, each from its number."""

    labels: tuple[str, ...] = LABELS

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int, /) -> Sample:
        values = np.random.default_rng(index).random((3, 8, 8), dtype=np.float32)
        return Sample(f"noise/{index}", torch.from_numpy(values), index % 10)


def network() -> Model:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, UNITS, 8), nn.ReLU(), nn.Flatten(), nn.Linear(UNITS, 10))
    return Model(layers, Preprocess(size=8), LABELS, name="noise")


def questions(draw: random.Random) -> dict[str, tuple[str, str, Any]]:
    """One question of each kind: method, path, body."""
    unit, picture = draw.randrange(UNITS), draw.randrange(COUNT)
    low = round(draw.uniform(0.1, 0.3), 2)
    classes = [{"name": label, "where": f"label = '{label}'"} for label in LABELS]
    own = {"name": "own", "where": f"probability > {low} AND NOT correct"}
    return {
        "top-k": ("GET", f"/api/stores/noise/top?unit=1:{unit}&k=20", None),
        "top-k within a condition": (
            "GET",
            f"/api/stores/noise/top?unit=1:{unit}&k=20&where=instance%20%25%203%20=%20{unit % 3}",
            None,
        ),
        "subset matrix, 11 subsets": ("POST", "/api/stores/noise/matrix", {"layer": "1", "subsets": [*classes, own]}),
        "SQL subset": ("POST", "/api/stores/noise/query", {"where": own["where"]}),
        "nearest neighbours": ("GET", f"/api/stores/noise/neighbours?instance={picture}&layer=1&k=12", None),
        "strongest units": ("GET", f"/api/stores/noise/strongest?instance={picture}&layer=1", None),
    }


class Client:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: Any) -> tuple[float, int, bytes]:
        began = time.perf_counter()
        content = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, content, {"content-type": "application/json"})
        answer = self.connection.getresponse()
        found = answer.read()
        return time.perf_counter() - began, answer.status, found


def alone(port: int) -> Iterator[dict[str, Any]]:
    client, draw = Client(port), random.Random(0)
    for kind in questions(draw):
        client.ask(*questions(draw)[kind])  # the first look at a file reads and checks all of it
        found = [client.ask(*questions(draw)[kind]) for _ in range(20 if QUICK else 100)]
        p50, p95 = np.percentile([seconds for seconds, _, _ in found], [50, 95]) * 1000
        good = all(status == 200 for _, status, _ in found)
        yield {
            "what": kind,
            "p50_ms": round(float(p50), 1),
            "p95_ms": round(float(p95), 1),
            "passed": bool(good and p95 <= 100),
        }


def resident() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024)
    return float("nan")


def together(port: int, what: str) -> dict[str, Any]:
    """16 clients at once; whether what they were told is what each would be told alone."""
    times: list[float] = []
    wrong: list[str] = []
    first = {str(q): Client(port).ask(*q)[2] for seed in range(8) for q in questions(random.Random(seed)).values()}
    before, until = resident(), time.perf_counter() + SECONDS

    def run(number: int) -> None:
        client, draw = Client(port), random.Random(number)
        while time.perf_counter() < until:
            question = draw.choice(list(questions(random.Random(draw.randrange(8))).values()))
            seconds, status, found = client.ask(*question)
            times.append(seconds)
            if status != 200 or found != first[str(question)]:
                wrong.append(f"{status} {question}")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p99 = np.percentile(times, [50, 99]) * 1000
    return {
        "what": what,
        "answers": len(times),
        "wrong": len(wrong),
        "p50_ms": round(float(p50), 1),
        "p99_ms": round(float(p99), 1),
        "mib_before": before,
        "mib_after": resident(),
        "passed": not wrong and resident() <= 1.1 * before,
    }


def served(place: Path) -> tuple[int, Any]:
    import uvicorn

    model = network()
    store = sweep(model, Noise(), place / "store", ["1"], batch_size=256)
    listener = bound("127.0.0.1", 0)
    port = listener.getsockname()[1]
    app = create_app(Bench({"noise": model}, {"noise": store}, {"noise": "noise"}), Guard(port=port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return port, server


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        port, server = served(Path(folder))
        table = list(alone(port))
        table.append(together(port, f"{CLIENTS} clients, {SECONDS} s"))
        job = json.loads(Client(port).ask("POST", "/api/jobs", {"kind": "tsne", "store": "noise", "layer": "1"})[2])
        table.append(together(port, f"{CLIENTS} clients, {SECONDS} s, while a long job runs"))
        slower = table[-1]["p50_ms"] / table[-2]["p50_ms"]
        table.append(
            {
                "what": "a long job slows quick questions by",
                "factor": round(float(slower), 2),
                "passed": bool(slower <= 2),
            }
        )
        Client(port).ask("DELETE", f"/api/jobs/{job['name']}", None)
        time.sleep(2)
        server.should_exit = True
    report(
        "workbench_load",
        f"Over {COUNT:,} pictures and {UNITS:,} units every question's p95 is at most 100 ms; {CLIENTS} clients get "
        "the answers that they would get alone",
        table,
        passed=all(row["passed"] for row in table),
        n=COUNT,
    )

"""How quickly a workbench over 50,000 pictures and layers of up to 1,024 units answers, alone and under load.

`cutaway serve` runs in a process of its own over 50,000 CIFAR-10 photographs; what the units answer does not matter for
the time. Each kind of question is asked 100 times, one after the other, over HTTP, each time another one. Then
16 clients ask a mix for a minute, and once more while a long job runs; answers are compared with those that came alone.
`--quick`: 5,000 pictures, 10 s.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
from _evidence import QUICK, report
from _wide import LABELS
from _workbench import COUNT, LAYERS, Workbench, running, wide_store

NAME, LAYER, UNITS = f"wide_{COUNT}", "1", 1024
STORE = f"/api/stores/{NAME}"
SECONDS, CLIENTS, MOST = (10 if QUICK else 60), 16, 100
Question = tuple[str, str, Any]


def questions(draw: random.Random) -> dict[str, Question]:
    """One question of each kind: method, path, body."""
    unit, picture = draw.randrange(UNITS), draw.randrange(COUNT)
    own = f"probability > {draw.uniform(0.1, 0.3):.4f} AND NOT correct"
    subsets = [*({"name": label, "where": f"label = '{label}'"} for label in LABELS), {"name": "own", "where": own}]
    return {
        "top-k": ("GET", f"{STORE}/top?unit={LAYER}:{unit}&k=20", None),
        "top-k within a condition": ("GET", f"{STORE}/top?unit={LAYER}:{unit}&k=20&where={quote(own)}", None),
        "subset matrix, 11 subsets": ("POST", f"{STORE}/matrix", {"layer": LAYER, "subsets": subsets}),
        "SQL subset": ("POST", f"{STORE}/query", {"where": own}),
        "nearest neighbours": ("GET", f"{STORE}/neighbours?instance={picture}&layer={LAYER}&k=12", None),
        "strongest units": ("GET", f"{STORE}/strongest?instance={picture}&layer={LAYER}", None),
    }


class Client:
    """A connection that stays open."""

    def __init__(self, workbench: Workbench) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(workbench.address).netloc, timeout=60)

    def ask(self, method: str, path: str, body: Any) -> tuple[float, int, bytes]:
        began = time.perf_counter()
        content = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, content, {"content-type": "application/json"})
        answer = self.connection.getresponse()
        found = answer.read()
        return time.perf_counter() - began, answer.status, found


def alone(workbench: Workbench) -> Iterator[dict[str, Any]]:
    client, draw = Client(workbench), random.Random(0)
    for kind in questions(draw):
        first = client.ask(*questions(draw)[kind])[0]  # reads and checks every byte of the files that it needs
        found = [client.ask(*questions(draw)[kind]) for _ in range(20 if QUICK else 100)]
        p50, p95 = np.percentile([seconds for seconds, _, _ in found], [50, 95]) * 1000
        good = all(status == 200 for _, status, _ in found)
        yield {
            "what": kind,
            "asked": len(found),
            "first_ms": round(1000 * first),
            "p50_ms": round(float(p50), 1),
            "p95_ms": round(float(p95), 1),
            "passed": bool(good and p95 <= MOST),
        }


def together(workbench: Workbench, what: str) -> dict[str, Any]:
    """16 clients at once; whether what they were told is what each would be told alone."""
    times: list[float] = []
    wrong: list[str] = []
    mix = [question for seed in range(8) for question in questions(random.Random(seed)).values()]
    expected = {str(question): Client(workbench).ask(*question)[2] for question in mix}
    before, until = workbench.resident(), time.perf_counter() + SECONDS

    def run(number: int) -> None:
        client, draw = Client(workbench), random.Random(number)
        while time.perf_counter() < until:
            question = draw.choice(mix)
            seconds, status, found = client.ask(*question)
            times.append(seconds)
            if status != 200 or found != expected[str(question)]:
                wrong.append(f"{status} {question}")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p99 = np.percentile(times, [50, 99]) * 1000
    after = workbench.resident()
    return {
        "what": what,
        "asked": len(times),
        "wrong": len(wrong),
        "p50_ms": round(float(p50), 1),
        "p99_ms": round(float(p99), 1),
        "mib_before": before,
        "mib_after": after,
        "passed": not wrong and after <= 1.1 * before,
    }


def long_work(model: str) -> Iterator[dict[str, Any]]:
    """Jobs, none of them twice (what was done once is not done again)."""
    for layer, count in product(LAYERS, range(12, 1, -1)):
        yield {"kind": "groups", "store": NAME, "layer": layer, "groups": count}
    for first in range(0, 1000, 8):
        yield {"kind": "units", "model": model, "layer": LAYERS[-1], "channels": list(range(first, first + 8))}


def with_a_job(workbench: Workbench) -> Iterator[dict[str, Any]]:
    """The same while neurons are grouped and drawn, one job after the other, for all of that time."""

    def ask(method: str, path: str, body: Any = None) -> Any:
        return json.loads(Client(workbench).ask(method, path, body)[2])

    model = next(iter(ask("GET", "/api/models")))
    first = {"kind": "units", "model": model, "layer": LAYERS[-1], "channels": list(range(1000, 1024))}
    drawn = ask("POST", "/api/jobs", first)["name"]  # the first of its kind loads what all of them need
    while ask("GET", f"/api/jobs/{drawn}")["state"] in ("waiting", "running"):
        time.sleep(0.25)
    quiet = together(workbench, f"{CLIENTS} clients, {SECONDS} s")
    yield quiet
    ended, at_work = threading.Event(), []

    def keep_busy() -> None:
        asked, jobs = long_work(model), list[str]()
        while not ended.wait(0.25):
            states = [ask("GET", f"/api/jobs/{job}")["state"] for job in jobs[-8:]]
            at_work.append("running" in states)
            for _ in range(6 - states.count("waiting")):
                jobs.append(ask("POST", "/api/jobs", next(asked))["name"])
        for job in jobs[-8:]:
            ask("DELETE", f"/api/jobs/{job}")

    with ThreadPoolExecutor(1) as employer:
        employed = employer.submit(keep_busy)
        busy = together(workbench, f"{CLIENTS} clients, {SECONDS} s, while long jobs run")
        ended.set()
        employed.result()
    share = round(float(np.mean(at_work[4:])), 3)
    yield {**busy, "share_of_time_with_a_job_at_work": share, "passed": busy["passed"] and share >= 0.9}
    for which in ("p50_ms", "p99_ms"):
        factor = busy[which] / quiet[which]
        yield {"what": f"long work slows {which[:3]} by", "factor": round(factor, 2), "passed": bool(factor <= 2)}


def shown(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows, each told at once to whoever waits."""
    for row in rows:
        print(row, file=sys.stderr, flush=True)
        yield row


if __name__ == "__main__":
    with running([wide_store()]) as workbench:
        table = [*shown(alone(workbench)), *shown(with_a_job(workbench))]
    report(
        "workbench_load",
        f"Over {COUNT:,} pictures and {UNITS:,} units every question's p95 is at most {MOST} ms; {CLIENTS} clients get "
        "the answers that they would get alone, also while long work runs",
        table,
        passed=all(row["passed"] for row in table),
        n=COUNT,
    )

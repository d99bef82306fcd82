"""What does watching cost? `activations` beside the bare forward pass, on SqueezeNet 1.1, 16 pictures of 224 pixels.

python benchmarks/activations.py [--quick]

One middle layer against the network truncated there by hand; every leaf layer against the whole forward pass, both
without gradients. Rounds are interleaved, and each ratio is that of the two times of one round, so that a machine that
is slower for a while slows both. Keeping every output takes fresh memory (358 MB here), hardly any time in our code:
plain hooks cost the same. What that memory costs depends on the allocator and on what else runs: six runs on a shared
machine of two cores gave 1.03 to 1.26 for all layers (median 1.08), and 1.00 to 1.06 for one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "evidence"))
from _evidence import QUICK, bootstrap, report

from cutaway.nets import load
from cutaway.trace import activations

BATCH, SIZE = 16, 224
ROUNDS = 7 if QUICK else 41
MIDDLE, DEPTH = "features.8", 9
ALLOWED = {"one middle layer": 1.05, "all leaf layers": 1.15}


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compared(ours: Callable[[], object], bare: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Times of both over the rounds; who goes first alternates."""
    for _ in range(2):  # warm up: memory, the layer table, which outputs are overwritten
        ours()
        bare()
    times: tuple[list[float], list[float]] = [], []
    for number in range(ROUNDS):
        for which in (0, 1) if number % 2 else (1, 0):
            times[which].append(seconds((ours, bare)[which]))
    return times


def row(what: str, ours: Callable[[], object], bare: Callable[[], object]) -> dict[str, object]:
    mine, plain = compared(ours, bare)
    ratios = [one / other for one, other in zip(mine, plain, strict=True)]
    low, high = bootstrap(ratios, median)
    return {
        "what": what,
        "bare ms": round(1000 * median(plain), 1),
        "ours ms": round(1000 * median(mine), 1),
        "ratio": round(median(ratios), 3),
        "95 %": f"{low:.3f} to {high:.3f}",
        "allowed": ALLOWED[what],
    }


def main() -> None:
    torch.manual_seed(0)
    model = load("squeezenet1_1")
    pictures = torch.rand(BATCH, 3, SIZE, SIZE)
    features = model.module.get_submodule("features")
    assert isinstance(features, nn.Sequential)
    truncated = features[:DEPTH]
    names = [name for info in model.layers() if info.leaf for name in info.names]
    normalise = model.preprocess.normalise
    with torch.no_grad():
        rows = [
            row(
                "one middle layer",
                lambda: activations(model, pictures, [MIDDLE]),
                lambda: truncated(normalise(pictures)),
            ),
            row(
                "all leaf layers",
                lambda: activations(model, pictures, names),
                lambda: model.module(normalise(pictures)),
            ),
        ]
    passed = all(float(str(each["ratio"])) <= float(str(each["allowed"])) for each in rows)
    claim = (
        f"activations of {MIDDLE} cost {rows[0]['ratio']} x the bare truncated pass, those of all {len(names)} leaf "
    )
    report("activations", claim + f"layers {rows[1]['ratio']} x the bare pass", rows, passed, n=ROUNDS)


if __name__ == "__main__":
    main()

"""What attribution costs beside captum: time of every deterministic method that both have, memory of two of them.

SqueezeNet 1.1 with random weights, 16 pictures of 128 pixels. Time is that of one thread on the processor, so that
what else the machine does counts as little as may be; both are called in turn. ratio: median over the rounds of
captum's time / ours. Memory: how far a method raises the resident memory of processes of its own, at the same limit
of points per pass.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "evidence"))
from _evidence import QUICK, bootstrap, report
from captum import attr as captum

from cutaway import attribution, load

BATCH, SIZE, LIMIT = 16, 128, 32
ROUNDS, FEW = (3, 1) if QUICK else (9, 3)  # few: for integrated gradients, which take seconds
STEPS, MANY_STEPS, WINDOW, SMALL = 32, 64, 64, 16
LAYER, ALLOWED = "features.12", 0.95

Pair = tuple[Callable[[], Tensor], Callable[[], Tensor]]


def pairs() -> dict[str, Pair]:
    """Method -> (ours, captum's), on the same network and pictures."""
    torch.manual_seed(0)
    network = load("squeezenet1_1").module.eval()
    pictures = torch.rand(BATCH, 3, SIZE, SIZE)
    last = network.get_submodule(LAYER)

    def cam() -> Tensor:
        found = captum.LayerGradCam(network, last).attribute(pictures, target=1, relu_attributions=True)
        return captum.LayerAttribution.interpolate(found, (SIZE, SIZE), "bilinear")

    def ours(name: str, **options: object) -> Callable[[], Tensor]:
        return lambda: attribution.METHODS[name](network, pictures, 1, **options).values

    def integrated(steps: int) -> Pair:
        return ours("integrated_gradients", steps=steps, batch_size=LIMIT), lambda: captum.IntegratedGradients(
            network
        ).attribute(pictures, target=1, n_steps=steps, internal_batch_size=LIMIT)

    def occlusion(side: int) -> Pair:
        options = {"window": (3, side, side), "stride": (3, side, side), "baseline": 0.0}
        return ours("occlusion", batch_size=LIMIT, **options), lambda: captum.Occlusion(network).attribute(
            pictures, target=1, sliding_window_shapes=(3, side, side), strides=(3, side, side),
            perturbations_per_eval=LIMIT // BATCH,
        )  # fmt: skip

    return {
        "gradient": (ours("gradient"), lambda: captum.Saliency(network).attribute(pictures, target=1, abs=False)),
        "input_x_gradient": (
            ours("input_x_gradient"),
            lambda: captum.InputXGradient(network).attribute(pictures, target=1),
        ),
        "integrated_gradients": integrated(STEPS),
        "guided_backprop": (
            ours("guided_backprop"),
            lambda: captum.GuidedBackprop(network).attribute(pictures, target=1),
        ),
        "deconvnet": (ours("deconvnet"), lambda: captum.Deconvolution(network).attribute(pictures, target=1)),
        "grad_cam": (ours("grad_cam", layer=LAYER), cam),
        "guided_grad_cam": (
            ours("guided_grad_cam", layer=LAYER),
            lambda: captum.GuidedGradCam(network, last).attribute(pictures, target=1, interpolate_mode="bilinear"),
        ),
        "lrp": (ours("lrp", composite="epsilon"), lambda: captum.LRP(network).attribute(pictures, target=1)),
        "occlusion": occlusion(WINDOW),
        "integrated_gradients, many steps": integrated(MANY_STEPS),
        "occlusion, small windows": occlusion(SMALL),
    }


PROCESSES = 1 if QUICK else 5
MEMORY = ("integrated_gradients, many steps", "occlusion, small windows")
"""Pairs that are compared by memory."""


def timed(pair: Pair, count: int) -> list[tuple[float, float]]:
    """Seconds of ours and captum's in each round, the order changing from round to round."""
    for each in pair:
        each()
    rounds = []
    for number in range(count):
        seconds = [0.0, 0.0]
        for which in (0, 1) if number % 2 else (1, 0):
            start = time.process_time()
            pair[which]()
            seconds[which] = time.process_time() - start
        rounds.append((seconds[0], seconds[1]))
    return rounds


def row(method: str, rounds: list[tuple[float, float]]) -> dict[str, object]:
    """One line of the table of times."""
    ratios = [theirs / mine for mine, theirs in rounds]
    low, high = bootstrap(ratios, np.median)
    mine, theirs = np.median(rounds, axis=0)
    return {
        "method": method,
        "cutaway, seconds": round(float(mine), 4),
        "captum, seconds": round(float(theirs), 4),
        "rounds": len(rounds),
        "ratio": round(float(np.median(ratios)), 3),
        "95 % interval": [round(low, 3), round(high, 3)],
        "reached": bool(np.median(ratios) >= ALLOWED),
    }


def raised(method: str, which: str) -> list[float]:
    """MiB by which a method raises the peak, asked in processes of its own whose allocator gives blocks back at once:
    with glibc's defaults the resident set depends on which freed blocks happen to be kept, by tens of MiB."""
    command = [sys.executable, str(Path(__file__).resolve()), "--memory", method, which]
    returning = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    answers = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | returning)
        for _ in range(PROCESSES)
    ]
    return [float(json.loads(answer.stdout)) for answer in answers]


def measure(method: str, which: str) -> None:
    """Prints by how much; a first gradient brings in what stays (libraries, caches), then the peak is reset."""
    known = pairs()
    network = load("squeezenet1_1").module.eval()
    attribution.gradient(network, torch.rand(1, 3, SIZE, SIZE), 1)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    known[method][0 if which == "ours" else 1]()
    print(json.dumps((resident("VmHWM") - before) / 1024))


def resident(what: str) -> int:
    """KiB of this process's memory (VmRSS now, VmHWM at most), as Linux counts them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1])


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if "--memory" in sys.argv:
        measure(*sys.argv[sys.argv.index("--memory") + 1 :][:2])
        return
    known = pairs()
    rows = [
        row(method, timed(pair, FEW if method == "integrated_gradients" else ROUNDS))
        for method, pair in known.items()
        if method not in MEMORY
    ]
    for method in MEMORY:
        mine, theirs = raised(method, "ours"), raised(method, "captum's")
        rows.append(
            {
                "method": method,
                "cutaway, MiB": [round(each, 1) for each in mine],
                "captum, MiB": [round(each, 1) for each in theirs],
                "reached": max(mine) < min(theirs),
            }
        )
    report(
        "attribution",
        f"Attribution beside captum, {BATCH} pictures: ratio of processor time >= {ALLOWED} for every method that both "
        f"have, and less memory for integrated gradients and occlusion at {LIMIT} points per pass",
        rows,
        passed=all(bool(each["reached"]) for each in rows),
        n=ROUNDS,
    )


if __name__ == "__main__":
    main()

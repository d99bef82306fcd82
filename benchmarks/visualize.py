"""How fast are visualizations? Against a bare loop that does nothing but differentiate, and the plain way.

python benchmarks/visualize.py [--quick]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "evidence"))
from _evidence import QUICK, SHARED, report

from cutaway.core.devices import autocast
from cutaway.featurevis import units, visualize
from cutaway.featurevis.visualize import BATCH
from cutaway.nets import load
from cutaway.nets.model import Model

LAYER, DEPTH = "features.12", 13
CHANNELS, SIZE, STEPS = 64, 128, 16 if QUICK else 128
ROUNDS = 1 if QUICK else 3
SAMPLE = 16  # steps of the loops that are compared with; each of their steps costs the same
NEEDED = 0.8


def timed(run: Callable[[], int]) -> float:
    """Pictures that one step was made of, per second."""
    start = time.perf_counter()
    made = run()
    return made / (time.perf_counter() - start)


def ours(model: Model) -> int:
    visualize(model, units([f"{LAYER}:{c}" for c in range(CHANNELS)]), size=SIZE, steps=STEPS, cache=False)
    return CHANNELS * STEPS


def bare(model: Model, batch: int, size: int, steps: int = SAMPLE) -> int:
    """Forward to the layer, backward to the pictures, at the precision that visualize uses, weights frozen; no picture
    is rendered, moved or changed."""
    network: nn.Module = model.module.features[:DEPTH]  # type: ignore[index, assignment]  # a Sequential
    rows = torch.arange(batch)
    pictures = torch.rand(batch, 3, size, size).contiguous(memory_format=torch.channels_last).requires_grad_()
    for _ in range(steps):
        with autocast(model.device):
            answer: Tensor = network(model.preprocess.normalise(pictures))
        torch.autograd.grad(-answer[rows, rows].float().mean(dim=(1, 2)).sum(), pictures)
    return batch * steps


def plain(model: Model, pictures: int = 2) -> int:
    """One unit at a time in float32, the whole network forward each time."""
    kept: list[Tensor] = []
    handle = model.module.get_submodule(LAYER).register_forward_hook(lambda *call: kept.append(call[2]))
    for channel in range(pictures):
        picture = torch.rand(1, 3, SIZE, SIZE, requires_grad=True)
        for _ in range(SAMPLE):
            kept.clear()
            model.module(model.preprocess.normalise(picture))
            torch.autograd.grad(-kept[0][0, channel].mean(), picture)
    handle.remove()
    return pictures * SAMPLE


def main() -> None:
    model = load(f"squeezenet1_1@{SHARED / 'models' / 'squeezenet1_1_imagenet.safetensors'}")
    for parameter in model.module.parameters():
        parameter.requires_grad_(False)
    window = round(SIZE * 0.8)
    runs: dict[str, Callable[[], int]] = {
        f"bare loop, all {CHANNELS} at once": lambda: bare(model, CHANNELS, SIZE),
        f"bare loop, {BATCH} at once": lambda: bare(model, BATCH, SIZE, SAMPLE * CHANNELS // BATCH),
        f"bare loop, {BATCH} at once, {window} px": lambda: bare(model, BATCH, window, SAMPLE * CHANNELS // BATCH),
        "plain way": lambda: plain(model),
        "cutaway": lambda: ours(model),
    }
    bare(model, BATCH, SIZE, 2), plain(model, 1)  # warm up
    visualize(model, f"{LAYER}:0", size=SIZE, steps=2, cache=False)
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):  # interleaved, so that whatever else the machine does falls on all alike
        for name, run in runs.items():
            speeds[name].append(timed(run))
    mine = median(speeds["cutaway"])
    rows = [
        {
            "way": name,
            "picture steps per second": round(median(each), 1),
            "cutaway / this": round(mine / median(each), 2),
        }
        for name, each in speeds.items()
    ]
    slowest = min(rows[0]["cutaway / this"], rows[1]["cutaway / this"])
    claim = (
        f"visualize of {CHANNELS} channels of SqueezeNet's {LAYER}, {SIZE} px, {STEPS} steps, runs at {NEEDED} or more "
        "of the speed of a bare forward-backward loop at the same precision, the faster of two batch sizes "
        f"(it looks at the pictures through a moving window of {window} px, hence the third row)"
    )
    report("visualize", claim, rows, passed=slowest >= NEEDED, n=ROUNDS)


if __name__ == "__main__":
    main()

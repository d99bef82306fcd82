"""Finished visualizations per minute, and how good they are: against the plain way.

python benchmarks/finished_visualizations.py [--quick]
"""

from __future__ import annotations

import math
import random
import sys
import time
from pathlib import Path
from statistics import mean

import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "evidence"))
from _evidence import QUICK, SHARED, bootstrap, report

from cutaway.featurevis import moved_scores, units, visualize
from cutaway.featurevis.colours import to_picture
from cutaway.nets import load
from cutaway.nets.model import Model

LAYER, CHANNELS, SIZE = "features.12", 512, 128
ROUNDS, EACH = (2, 2) if QUICK else (3, 4)  # of the plain way; ours makes a batch of 16 in each round
PLAIN_STEPS = 512
NEEDED, MINUTES = 6.0, 4.0
ENDS = 0.02  # distance from black or white at which a value is at an end


def plain(model: Model, channel: int, seed: int = 0) -> Tensor:
    """The plain way: one unit at a time, the whole network in float32, 512 steps of Adam at 0.05, a picture in the
    Fourier basis, and the transforms that the common PyTorch port of Lucid has as its defaults. (It would also enlarge
    pictures to 224 px, which makes it slower still; left out, so that both are about the same 128 px.)"""
    noise, moves = torch.Generator().manual_seed(seed + channel), random.Random(seed + channel)
    numbers = (torch.randn(1, 3, SIZE, SIZE // 2 + 1, 2, generator=noise) * 0.01).requires_grad_()
    adam = torch.optim.Adam([numbers], lr=0.05)
    kept: list[Tensor] = []
    handle = model.module.get_submodule(LAYER).register_forward_hook(lambda *call: kept.append(call[2]))
    for _ in range(PLAIN_STEPS):
        kept.clear()
        model.module(model.preprocess.normalise(moved(waves(numbers), moves)))
        adam.zero_grad()
        (-kept[0][0, channel].mean()).backward()
        adam.step()
    handle.remove()
    return waves(numbers).detach()


def waves(numbers: Tensor) -> Tensor:
    """Coefficients weighed by 1 / frequency, in decorrelated colours."""
    frequencies = (torch.fft.fftfreq(SIZE)[:, None] ** 2 + torch.fft.rfftfreq(SIZE) ** 2).sqrt()
    spectrum = torch.view_as_complex(numbers) / frequencies.clamp(min=1 / SIZE)
    return to_picture(torch.fft.irfft2(spectrum, s=(SIZE, SIZE), norm="ortho") / 4)


def moved(pictures: Tensor, moves: random.Random) -> Tensor:
    """Padded by 12 px, jittered by 8, scaled by up to 10 %, turned by up to 10 degrees, jittered by 4."""
    pictures = jitter(F.pad(pictures, [12] * 4, value=0.5), 8, moves)
    side = math.ceil(pictures.shape[2] * (1 + (moves.randrange(11) - 5) / 50))
    margin = max(0, math.ceil((pictures.shape[2] - side) / 2))
    pictures = F.pad(F.interpolate(pictures, (side, side), mode="bilinear", align_corners=True), [margin] * 4)
    angle = math.radians(moves.choice([*range(-10, 11), *[0] * 5]))
    turn = torch.tensor([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]])
    grid = F.affine_grid(turn.expand(len(pictures), -1, -1), list(pictures.shape), align_corners=True)
    return jitter(F.grid_sample(pictures, grid, align_corners=True), 4, moves)


def jitter(pictures: Tensor, most: int, moves: random.Random) -> Tensor:
    down, right = moves.randrange(most), moves.randrange(most)
    height, width = pictures.shape[2:]
    return pictures[:, :, down : height - most + down, right : width - most + right]


def names(channels: list[int]) -> list[str]:
    return [f"{LAYER}:{channel}" for channel in channels]


def row(way: str, model: Model, channels: list[int], pictures: Tensor, seconds: float, made: int) -> dict[str, object]:
    scores = moved_scores(model, units(names(channels)), pictures)
    return {
        "way": way,
        "made": made,
        "seconds each": round(seconds / made, 3),
        "finished per minute": round(60 * made / seconds, 1),
        "compared": len(channels),
        "mean score in motion": round(float(scores.mean()), 1),
        "as they are": round(float(moved_scores(model, units(names(channels)), pictures, transforms="none").mean()), 1),
        "values at the ends": round(float(((pictures < ENDS) | (pictures > 1 - ENDS)).float().mean()), 4),
    }


def main() -> None:
    model = load(f"squeezenet1_1@{SHARED / 'models' / 'squeezenet1_1_imagenet.safetensors'}")
    for parameter in model.module.parameters():
        parameter.requires_grad_(False)
    visualize(model, f"{LAYER}:0", size=SIZE, steps=2, cache=False)  # warm up
    chosen = list(range(5, CHANNELS, 11))[: 16 * ROUNDS]
    seconds: dict[str, list[float]] = {"plain": [], "ours": []}
    theirs, ours, compared = [], [], []
    for start in range(ROUNDS):  # interleaved, so that whatever else the machine does falls on both alike
        batch = chosen[16 * start : 16 * (start + 1)]
        began = time.perf_counter()
        ours.append(visualize(model, units(names(batch)), size=SIZE, cache=False).pictures[:EACH])
        seconds["ours"].append(time.perf_counter() - began)
        began = time.perf_counter()
        theirs += [plain(model, channel) for channel in batch[:EACH]]
        seconds["plain"].append(time.perf_counter() - began)
        compared += batch[:EACH]
    found = {"plain": torch.cat(theirs), "ours": torch.cat(ours)}
    rows = [
        row(f"plain way, {PLAIN_STEPS} steps", model, compared, found["plain"], sum(seconds["plain"]), len(compared)),
        row("cutaway, as it comes", model, compared, found["ours"], sum(seconds["ours"]), 16 * ROUNDS),
    ]
    faster = [p * 16 / (o * EACH) for p, o in zip(seconds["plain"], seconds["ours"], strict=True)]
    scores = {way: moved_scores(model, units(names(compared)), pictures) for way, pictures in found.items()}
    pairs = list(zip(scores["ours"].tolist(), scores["plain"].tolist(), strict=True))
    ratio = mean(mine for mine, _ in pairs) / mean(other for _, other in pairs)  # the plain way leaves some dead, at 0
    low, high = bootstrap([mine - other for mine, other in pairs])
    rows[1] |= {"times as fast": round(mean(faster), 1), "least": round(min(faster), 1)}
    rows[1] |= {"score / plain": round(ratio, 3), "gain in score": f"{low:.1f} to {high:.1f}"}
    whole = 0.0
    if not QUICK:
        began = time.perf_counter()
        visualize(model, units(names(list(range(CHANNELS)))), size=SIZE, cache=False)
        whole = (time.perf_counter() - began) / 60
        rows.append({"way": f"cutaway, all {CHANNELS} channels", "made": CHANNELS, "minutes": round(whole, 2)})
    better = float(scores["ours"].mean()) >= float(scores["plain"].mean())
    claim = (
        f"SqueezeNet's {LAYER} at {SIZE} px: {mean(faster):.1f} times as many finished visualizations per minute as "
        f"the plain way ({NEEDED:g} wanted), at {ratio:.2f} of its mean score averaged over the standard transforms"
        + (f"; all {CHANNELS} channels in {whole:.1f} minutes on {torch.get_num_threads()} threads" if whole else "")
    )
    report(
        "finished_visualizations", claim, rows, mean(faster) >= NEEDED and better and whole <= MINUTES, len(compared)
    )


if __name__ == "__main__":
    main()

"""How long naming takes once activations are there: 64 channels, a whole SqueezeNet, and the cost of one channel."""

from __future__ import annotations

import time

import numpy as np
from _detectors import probing, vocabulary
from _evidence import QUICK, report

from cutaway.naming import fit_coupling, name_units, open_encoder
from cutaway.naming.vocabulary import shipped

CHANNELS = 3_000  # of all convolutions of SqueezeNet 1.1, rounded up
COUNTS = (64, 512) if QUICK else (64, 512, 4_096)


def main() -> None:
    world = probing(901, 2500)
    draw = np.random.default_rng(0)
    small = timed(world.fired[:, :64], world.captions, [*vocabulary(), *shipped()][:3_000])
    rows = [{"what": "64 channels, 3,000 phrases, 2,500 pictures", "seconds": small, "asked": 60}]
    told = world.captions[:700]
    phrases = many(20_000)
    wide = timed(mixed(draw, world.fired[:700], CHANNELS), told, phrases)
    rows.append({"what": f"{CHANNELS:,} channels, 20,000 phrases, 700 pictures", "seconds": wide, "asked": 180})
    costs = []
    for count in COUNTS:
        seconds = timed(mixed(draw, world.fired[:700], count), told, phrases[:3_000])
        costs.append(seconds / count)
        rows.append(
            {"what": f"{count:,} channels, 3,000 phrases", "seconds": seconds, "a channel, ms": 1000 * costs[-1]}
        )
    report(
        "naming_speed",
        "Naming is quick, and a channel among thousands costs no more than among sixty-four",
        rows,
        small <= 60 and wide <= 180 and costs[-1] <= costs[0],
        2500,
    )


def many(count: int) -> list[str]:
    """The shipped phrases, and as many of them with an adjective as it takes."""
    found = list(shipped())
    extra = (f"{word} {phrase}" for word in ("old", "new", "big", "little") for phrase in shipped())
    return [*found, *extra][:count]


def mixed(draw: np.random.Generator, fired: np.ndarray, count: int) -> np.ndarray:
    """So many channels, each a mixture of real ones."""
    return np.maximum(fired @ draw.normal(size=(fired.shape[1], count)), 0).astype(np.float32)


def timed(fired: np.ndarray, told: list[tuple[str, ...]], phrases: list[str]) -> float:
    started = time.perf_counter()
    name_units(fit_coupling(fired, told, open_encoder("shipped"), method="correlation"), phrases)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

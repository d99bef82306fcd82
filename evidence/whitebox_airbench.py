"""The black-box baseline at length: five seeds of `airbench`, ten epochs each, no test-time augmentation.

All 50,000 training pictures; each network is told on the 10,000 test pictures once, at its end, as it is stored (half
precision). The mean's interval is Student's, over seeds. With `--legible` also how legible it is: the first three
seeds, on the first 1,000 test pictures or the first 100; the first one read by pullback, too. Intervals over pictures,
mosaics (chance 0.111), or classes and sets of noise (chance 0.1).

    python evidence/whitebox_airbench.py      trains those that are not there (two hours with bfloat16)
    python evidence/whitebox_airbench.py 3    seed 3 alone
"""

from __future__ import annotations

import sys
from functools import partial
from statistics import mean, stdev
from typing import Any

from _evidence import QUICK, report, wilson
from _legible import READINGS, Pictures, judge, kept, legible
from _whitebox import examined, trained
from scipy.stats import t as student

import cutaway as cw
from cutaway.data.cifar10 import LABELS

SEEDS = range(1 if QUICK else 5)
READ = (1 if QUICK else 3) if "--legible" in sys.argv else 0  # seeds whose gradients are measured
SETTINGS = ["epochs=1", "widths=[16, 16, 16]"] if QUICK else []
MOSAICS = 20 if QUICK else 100
NEEDED, EPOCHS = 94.0, 10


def rows_of(seed: int, data: Pictures, by: cw.Model) -> list[dict[str, Any]]:
    """One seed: what it tells, and how legible it is."""
    model, card = trained("airbench", SETTINGS, seed)
    told, n = card["scores"]["accuracy"], card["scores"]["n"]
    row: dict[str, Any] = {
        "seed": seed,
        "accuracy, %": round(100 * told, 2),
        "95 %": [round(100 * end, 1) for end in wilson(round(told * n), n)],
        "epochs": card["config"]["epochs"],
        "parameters": card["parameters"],
        "trained on": card["machine"],
    }
    if seed >= READ:
        return [row]
    asked = {"what": "airbench", "mosaics": MOSAICS, "of": len(data[1])}
    found = [
        {"read by": READINGS[reading]}
        | kept(model, asked | {"read": reading}, partial(legible, model, reading, data, by, MOSAICS))
        for reading in (("gradient",) if seed else ("gradient", "pullback"))
    ]
    return [row | found[0], *({"seed": seed} | each for each in found[1:])]


def average(told: list[float]) -> dict[str, Any]:
    """The mean of the seeds, with its interval over seeds."""
    half = float(student.ppf(0.975, len(told) - 1)) * stdev(told) / len(told) ** 0.5
    ends = [round(mean(told) + sign * half, 2) for sign in (-1, 1)]
    return {"seed": f"mean of {len(told)}", "accuracy, %": round(mean(told), 2), "95 %": ends}


def main() -> None:
    wanted = [int(word) for word in sys.argv[1:] if word.isdigit()] or list(SEEDS)
    data, by = examined(LABELS, 300 if QUICK else None), judge()
    rows = [row for seed in wanted for row in rows_of(seed, data, by)]
    told = [row["accuracy, %"] for row in rows if "accuracy, %" in row]
    short = all(row["epochs"] <= EPOCHS for row in rows if "epochs" in row)
    if len(told) > 1:
        rows.append(average(told))
    claim = f"`airbench`: at least {NEEDED} % as the mean of five seeds, in at most ten epochs"
    report("whitebox_airbench", claim, rows, len(told) == 5 and mean(told) >= NEEDED and short, 10_000)


if __name__ == "__main__":
    main()

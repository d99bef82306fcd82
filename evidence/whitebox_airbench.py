"""The black-box baseline at length: five seeds of `airbench`, ten epochs each, no test-time augmentation.

All 50,000 training pictures; each network is told on the 10,000 test pictures once, at its end, as it is stored (half
precision). The mean's interval is Student's, over seeds. How legible the first three are is in whitebox_table.

    python evidence/whitebox_airbench.py      trains those that are not there (two hours with bfloat16)
    python evidence/whitebox_airbench.py 3    seed 3 alone
"""

from __future__ import annotations

import sys
from statistics import mean, stdev
from typing import Any

from _evidence import QUICK, report, wilson
from _whitebox import trained
from scipy.stats import t as student

SEEDS = range(1 if QUICK else 5)
SETTINGS = ["epochs=1", "widths=[16, 16, 16]"] if QUICK else []
NEEDED, EPOCHS = 94.0, 10


def row_of(seed: int) -> dict[str, Any]:
    """What one seed tells."""
    card = trained("airbench", SETTINGS, seed)[1]
    told, n = card["scores"]["accuracy"], card["scores"]["n"]
    return {
        "seed": seed,
        "accuracy, %": round(100 * told, 2),
        "95 %": [round(100 * end, 1) for end in wilson(round(told * n), n)],
        "epochs": card["config"]["epochs"],
        "parameters": card["parameters"],
        "trained on": card["machine"],
    }


def average(told: list[float]) -> dict[str, Any]:
    """The mean of the seeds, with its interval over seeds."""
    half = float(student.ppf(0.975, len(told) - 1)) * stdev(told) / len(told) ** 0.5
    ends = [round(mean(told) + sign * half, 2) for sign in (-1, 1)]
    return {"seed": f"mean of {len(told)}", "accuracy, %": round(mean(told), 2), "95 %": ends}


def main() -> None:
    wanted = [int(word) for word in sys.argv[1:] if word.isdigit()] or list(SEEDS)
    rows = [row_of(seed) for seed in wanted]
    told = [row["accuracy, %"] for row in rows]
    short = all(row["epochs"] <= EPOCHS for row in rows)
    if len(told) > 1:
        rows.append(average(told))
    claim = f"`airbench`: at least {NEEDED} % as the mean of five seeds, in at most ten epochs"
    report("whitebox_airbench", claim, rows, len(told) == 5 and mean(told) >= NEEDED and short, 10_000)


if __name__ == "__main__":
    main()

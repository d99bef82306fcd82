"""Integrated gradients of a network full of kinks: SqueezeNet 1.1 with its real weights, on real photographs.

With a tolerance each photograph takes as many gradients as it needs; captum's 300 fixed steps stand beside, on every
tenth of them. Gap: |sum of the values - difference of the scores| / |difference of the scores|. Baseline black, target
the predicted class.
"""

from __future__ import annotations

import sys
import warnings

import torch
from _evidence import QUICK, SHARED, bootstrap, report, wilson
from captum.attr import IntegratedGradients

import cutaway as cw
from cutaway.attribution import integrated_gradients

TOLERANCE = 5e-3
STEPS = 300
EVERY = 10


def main() -> None:
    warnings.simplefilter("ignore", UserWarning)
    n = 5 if QUICK else 50
    files = sorted((SHARED / "data" / "photos").glob("*.jpg"))
    model = cw.load(f"squeezenet1_1@{SHARED / 'models' / 'squeezenet1_1_imagenet.safetensors'}")
    gaps, counts, fixed, reached = [], [], [], 0
    for number, file in enumerate(files[:: len(files) // n][:n]):
        picture = model.prepare(str(file))
        found = integrated_gradients(model, picture, tolerance=TOLERANCE, batch_size=16)
        gaps.append(float(found.relative_gap))
        counts.append(int(found.evaluations))
        reached += bool(found.converged)
        if number % EVERY == 0:
            values = IntegratedGradients(model).attribute(
                picture, target=found.target, n_steps=STEPS, method="gausslegendre", internal_batch_size=20
            )
            fixed.append(float(abs((values.double().sum() - found.difference) / found.difference)))
        print(file.name, counts[-1], gaps[-1], fixed[-1], file=sys.stderr, flush=True)
    rows = [
        row(f"cutaway, tolerance {TOLERANCE:g}", gaps, counts)
        | {"reached": reached / n, "interval of the share": [round(end, 3) for end in wilson(reached, n)]},
        row(f"captum, {STEPS} steps", fixed, [STEPS] * len(fixed)),
    ]
    report(
        "ig_photographs",
        f"Integrated gradients of SqueezeNet to within {TOLERANCE:g}: >= 98 % of photographs, in < 300 gradients",
        rows,
        passed=reached / n >= 0.98 and sum(counts) / n < STEPS,
        n=n,
    )


def row(what: str, gaps: list[float], counts: list[int]) -> dict[str, object]:
    """One line of the table."""
    low, high = bootstrap(counts)
    return {
        "what": what,
        "photographs": len(gaps),
        "mean gradients": round(sum(counts) / len(counts), 1),
        "95 % interval": [round(low, 1), round(high, 1)],
        "most gradients": max(counts),
        "median gap": float(torch.tensor(gaps).median()),
        "worst gap": max(gaps),
    }


if __name__ == "__main__":
    main()

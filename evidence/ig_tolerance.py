"""Integrated gradients to within a tolerance: how many pictures get there, and what it costs beside fixed steps.

The gap of a picture is |sum of the values - difference of the scores| / |difference of the scores|. Beside it stands
how far the values of every fourth picture are from those of a very fine rule (norm of the difference as a share of the
norm), since they could add up by luck and still be wrong. Baseline black, target the predicted class.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from _evidence import QUICK, SHARED, bootstrap, report, wilson
from captum.attr import IntegratedGradients
from torch import Tensor

import cutaway as cw
from cutaway.attribution import Attribution, integrated_gradients
from cutaway.data.cifar10 import open_cifar10

TOLERANCE = 1e-3
FIXED = (16, 24) if QUICK else (16, 18, 20, 24)
FINE = 64  # Gauss-Legendre points; the network bends gently, so these are exact to about 1e-5
EVERY = 4  # pictures that the fine rule is computed for


def main() -> None:
    warnings.simplefilter("ignore", UserWarning)
    n = 20 if QUICK else 200
    model, pictures = cw.load("cifar10"), cifar10_pictures(n)
    found = integrated_gradients(model, pictures, tolerance=TOLERANCE, batch_size=50)
    fine = integrated_gradients(model, pictures[::EVERY], found.target[::EVERY], steps=FINE, batch_size=50).values
    rows = [row(f"cutaway, tolerance {TOLERANCE:g}", found.relative_gap, found.values, fine, found.evaluations)]
    for steps in FIXED:
        values, gaps = by_captum(model, pictures, found, steps)
        rows.append(row(f"captum, {steps} steps", gaps, values, fine, torch.full((n,), steps)))
        print(rows[-1], file=sys.stderr, flush=True)
    worst = float(str(rows[0]["worst gap"]))
    enough = [steps for steps, each in zip(FIXED, rows[1:], strict=True) if float(str(each["worst gap"])) <= worst]
    mean = float(str(rows[0]["mean gradients"]))
    fewer = mean < min(enough, default=max(FIXED) + 1)
    reached = int(found.converged.sum())
    low, high = wilson(reached, n)
    rows[0] |= {"reached": reached / n, "interval": [round(low, 4), round(high, 4)]}
    marked = torch.equal(found.converged, found.relative_gap <= TOLERANCE)
    report(
        "ig_tolerance",
        f"Integrated gradients to within {TOLERANCE:g} on CIFAR-10: >= 98 % of the pictures get there, the rest are "
        f"marked; {mean} gradients on average, captum needs {min(enough, default=f'more than {max(FIXED)}')} for the "
        "same worst gap",
        rows,
        passed=reached / n >= 0.98 and marked and fewer,
        n=n,
    )


def cifar10_pictures(n: int) -> Tensor:
    """Pictures of the test set, evenly spread."""
    test = open_cifar10(Path(SHARED / "data" / "cifar10"), "test")
    return test.pictures[:: len(test) // n][:n].float() / 255


def by_captum(model: cw.Model, pictures: Tensor, asked: Attribution, steps: int) -> tuple[Tensor, Tensor]:
    """captum's values and their relative gaps, ten pictures at a time (it holds all steps of all pictures at once)."""
    method, values = IntegratedGradients(model), []
    for chunk, target in zip(pictures.split(10), asked.target.split(10), strict=True):
        values.append(
            method.attribute(
                chunk, target=target, n_steps=steps, method="gausslegendre", internal_batch_size=50
            ).detach()
        )
    gaps = torch.cat(values).double().flatten(1).sum(1) - asked.difference
    return torch.cat(values), (gaps / asked.difference).abs()


def row(what: str, gaps: Tensor, values: Tensor, fine: Tensor, evaluations: Tensor) -> dict[str, object]:
    """One line of the table."""
    apart = (values[::EVERY] - fine).flatten(1).norm(dim=1) / fine.flatten(1).norm(dim=1)
    low, high = bootstrap(evaluations.double().numpy())
    return {
        "what": what,
        "mean gradients": round(float(evaluations.double().mean()), 1),
        "95 % interval": [round(low, 1), round(high, 1)],
        "most gradients": int(evaluations.max()),
        "median gap": float(np.median(gaps)),
        "worst gap": float(gaps.max()),
        "mean error of values": float(apart.mean()),
        "worst error of values": float(apart.max()),
    }


if __name__ == "__main__":
    main()

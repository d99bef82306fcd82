"""FunnyBirds' three questions to every method, on PartWorld: completeness, correctness, contrastivity; and who finds a
planted bias.

The three scores are measured on the shipped network and fresh scenes, with every part really taken out of the scene
(src/cutaway/metrics/part_removal.py). The bias: a network trained where the mark in the corner goes with the class, and
one trained alike where it says nothing (evidence/_biased.py), on the same scenes; how often is the mark the thing with
the most attribution for its size? A method finds the bias if the biased network's interval lies above the other's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _biased import marked, network
from _evidence import QUICK, report, wilson
from _methods import CHUNK, VARIANTS, Variant, options_of, readings, values_of

import cutaway as cw
from cutaway.attribution import Attribution
from cutaway.core.errors import CutawayError
from cutaway.core.seeds import generator
from cutaway.data.partworld import sample_scene
from cutaway.metrics import Measured, Removals, part_completeness, part_contrastivity, part_correctness
from cutaway.metrics.maps import method_of
from cutaway.metrics.part_removal import Sums, sums_over

SCENES, MARKED = (20, 20) if QUICK else (60, 40)
SEED = 2_023
METRICS: dict[str, Callable[..., Measured]] = {
    "completeness": part_completeness,
    "correctness": part_correctness,
    "contrastivity": part_contrastivity,
}


def blind(forward: Any, inputs: torch.Tensor, target: Any = None, **options: Any) -> Attribution:
    """All places equal."""
    return Attribution(torch.ones(len(inputs), *inputs.shape[-2:]), torch.zeros(len(inputs), dtype=torch.long), "blind")


def noise(forward: Any, inputs: torch.Tensor, target: Any = None, **options: Any) -> Attribution:
    """Another draw for every place, and for every class asked about."""
    values = torch.randn(len(inputs), *inputs.shape[-2:], generator=generator(0, "noise", tuple(target.tolist())))
    return Attribution(values, torch.zeros(len(inputs), dtype=torch.long), "noise")


def once(method: Callable[..., Attribution]) -> Callable[..., Attribution]:
    """The method, which answers the same question about the same pictures once for all metrics."""
    known: dict[tuple[int, ...], Attribution] = {}

    def remembered(forward: Any, inputs: torch.Tensor, target: Any = None, **options: Any) -> Attribution:
        asked = tuple(target.tolist())
        if asked not in known:
            known[asked] = method(forward, inputs, target, **options)
        return known[asked]

    return remembered


def scored(removals: Removals, method: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The three scores of a method, each with its interval."""
    found: dict[str, Any] = {}
    for name, metric in METRICS.items():
        measured = metric(removals, method, batch_size=CHUNK, **options)
        found |= {name: round(measured.value, 3), f"{name}'s 95 %": [round(end, 3) for end in measured.interval]}
    found["n"] = len(removals)
    return found


def first(removals: Removals, variant: Variant, count: int) -> tuple[int, int] | None:
    """In how many scenes the mark has the most attribution for its size, of how many."""
    pictures, labels = removals.pictures[:count], torch.tensor([trial.label for trial in removals.trials[:count]])
    values = values_of(removals.model, variant, pictures, labels)
    if isinstance(values, str):
        return None
    sums = sums_over(readings(values)["magnitude"], removals.trials[:count])
    return marks_first(removals, sums), len(sums)


def truly_first(removals: Removals) -> tuple[int, int]:
    """In how many scenes the score falls most, for its size, without the mark."""
    falls = removals.importances()
    return marks_first(removals, falls), len(falls)


def marks_first(removals: Removals, amounts: Sums) -> int:
    """In how many scenes the mark has the most of something for its size."""
    sizes = [np.array([mask.sum() for mask in trial.masks.values()]) for trial in removals.trials]
    tops = [int((some / size).argmax()) for some, size in zip(amounts, sizes, strict=False)]
    return sum(trial.items[top] == "mark" for trial, top in zip(removals.trials, tops, strict=False))


def told(counts: list[tuple[int, int]]) -> dict[str, Any]:
    """How often the mark comes first, in the biased and in the fair network."""
    (one, n), (other, m) = counts
    ends = [[round(end, 3) for end in wilson(*each)] for each in counts]
    return {
        "mark first, biased": round(one / n, 3),
        "biased's 95 %": ends[0],
        "mark first, fair": round(other / m, 3),
        "fair's 95 %": ends[1],
        "finds the bias": ends[0][0] > ends[1][1],
        "n marked": n,
    }


def main() -> None:
    model = cw.load("partworld")
    plain = [sample_scene(SEED, index, "test") for index in range(SCENES)]
    marks = [marked(scene, scene.label, index % 4) for index, scene in enumerate(plain[:MARKED])]
    removals = {1.0: Removals(model, plain)}
    astray = [Removals(network(name), marks) for name in ("mark", "fair")]
    rows = [{"method": "(truth)"} | told([truly_first(each) for each in astray])]
    for variant in VARIANTS:
        count = max(10, round(SCENES * variant.share))
        if variant.share not in removals:
            removals[variant.share] = Removals(model, plain[:count])
        try:
            row = {"method": variant.name} | scored(
                removals[variant.share], once(method_of(variant.method)), options_of(variant, 64)
            )
        except CutawayError as error:
            rows.append({"method": variant.name, "note": str(error).split(";")[0]})
            continue
        counts = [first(each, variant, max(10, round(MARKED * variant.share))) for each in astray]
        rows.append(row | told([each for each in counts if each is not None]))
    rows += [{"method": f"({one.__name__})"} | scored(removals[1.0], once(one), {}) for one in (blind, noise)]
    finders = [row for row in rows[1:] if row.get("finds the bias")]
    claim = (
        "FunnyBirds' completeness, correctness and contrastivity of every method on the shipped PartWorld network, and "
        "which of them find the planted mark"
    )
    report("funnybirds", claim, rows, bool(rows[0]["finds the bias"]) and len(finders) > 0, SCENES)


if __name__ == "__main__":
    main()

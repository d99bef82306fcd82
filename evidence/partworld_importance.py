"""What a map says of a part, beside what the network loses without it: every method, on the shipped PartWorld network.

Fresh scenes. The truth comes from rendering each scene again without the part and asking the network: the logit of its
answer falls by so much. Any two of a thing's three deciding parts settle the class, so that without one of them alone
the answer hardly moves; "importance" is therefore what a part gives on average over all sets of parts that may be gone
with it (Shapley's value, all sets rendered); the fall without it alone has a column too. Figures are Spearman's
correlation over the items of a scene (parts and loose things), averaged over scenes; a blind map (all places equal)
ranks parts by their area, which is some of the truth already.
"""

from __future__ import annotations

import numpy as np
import torch
from _evidence import QUICK, report
from _methods import VARIANTS, interval, readings, values_of

import cutaway as cw
from cutaway.data.partworld import sample_scene
from cutaway.metrics.correlation import rank_correlation
from cutaway.metrics.part_removal import Sums, sums_over
from cutaway.metrics.removals import Removals

SCENES, SEED = 20 if QUICK else 160, 4_711


def correlations(sums: Sums, truth: Sums) -> np.ndarray:
    """One rank correlation for each scene, NaN where a side is constant."""
    found = [rank_correlation(some, other) for some, other in zip(sums, truth, strict=False)]
    return np.array([np.nan if each is None else each for each in found])


def told(values: np.ndarray) -> dict[str, object]:
    cases = values[np.isfinite(values)]
    return {"": round(float(cases.mean()), 3), "95 %": interval(cases), "n": len(cases)}


def row(name: str, maps: dict[str, Sums], single: Sums, averaged: Sums, area: np.ndarray) -> dict[str, object]:
    """A method's figures, in the reading that serves it better."""
    found = {reading: correlations(sums, averaged) for reading, sums in maps.items()}
    best = max(found, key=lambda reading: float(np.nanmean(found[reading])))
    alone = correlations(maps[best], single)
    beyond = found[best] - area[: len(found[best])]
    return {
        "method": name,
        "correlation with importance": told(found[best])[""],
        "95 %": told(found[best])["95 %"],
        "read": best,
        "signed": told(found["signed"])[""],
        "magnitude": told(found["magnitude"])[""],
        "beyond a blind map": told(beyond)[""],
        "its 95 %": told(beyond)["95 %"],
        "fall without it alone": told(alone)[""],
        "fall's 95 %": told(alone)["95 %"],
        "n": told(found[best])["n"],
    }


def main() -> None:
    model = cw.load("partworld")
    removals = Removals(model, [sample_scene(SEED, index, "test") for index in range(SCENES)])
    single, averaged = removals.importances(), removals.importances(averaged=True)
    areas = [np.array([float(mask.sum()) for mask in trial.masks.values()]) for trial in removals.trials]
    area = correlations(areas, averaged)
    rows = []
    for variant in VARIANTS:
        count = max(10, round(SCENES * variant.share))
        values = values_of(model, variant, removals.pictures[:count], removals.answers[:count])
        if isinstance(values, str):
            rows.append({"method": variant.name, "note": values})
            continue
        maps = {reading: sums_over(field, removals.trials[:count]) for reading, field in readings(values).items()}
        rows.append(row(variant.name, maps, single, averaged, area))
    rows.sort(key=lambda one: -float(one.get("correlation with importance", -2)))  # type: ignore[arg-type]
    shown = [one for one in rows if "note" not in one]
    draw = torch.rand(SCENES, 64, 64, generator=torch.Generator().manual_seed(0)) - 0.5
    noise = sums_over(draw, removals.trials)
    rows.append(row("(all places equal)", {"signed": areas, "magnitude": areas}, single, averaged, area))
    rows.append(row("(noise)", {"signed": noise, "magnitude": noise}, single, averaged, area))
    claim = (
        "On the shipped PartWorld network, what attributions give to parts correlates with what the network loses "
        "without them: every method, with bootstrap intervals over fresh scenes"
    )
    report("partworld_importance", claim, rows, all(one["95 %"][0] > 0 for one in shown), SCENES)  # type: ignore[index]


if __name__ == "__main__":
    main()

"""Do attributions show that a network was led astray? The mark's and the background's share of them, biased and fair.

Three networks trained alike on worlds that differ only in what goes with the class (evidence/_biased.py): nothing
("fair"), the mark in the corner, or the background. All see the same fresh scenes, each with its class's own mark or
background. A share is what part of the attribution's absolute values lies on the mark, or outside all things.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from _biased import marked, network, pictures_of
from _evidence import QUICK, report
from _methods import VARIANTS, interval, readings, values_of
from torch import Tensor

import cutaway as cw
from cutaway.data.partworld import LABELS, Scene, render, sample_scene, with_background
from cutaway.data.partworld.bias import home
from cutaway.metrics.maps import shares

SCENES, SEED = 20 if QUICK else 60, 31
TRUTH = "(truth: fall of the score without it)"


def scenes() -> dict[str, list[Scene]]:
    """For each bias, the scenes with what goes with their class."""
    plain = [sample_scene(SEED, index, "test") for index in range(SCENES)]
    return {
        "mark": [marked(scene, scene.label, index % 4) for index, scene in enumerate(plain)],
        "background": [with_background(scene, home(scene.label)) for scene in plain],
    }


def regions(bias: str, drawn: list[Scene]) -> Tensor:
    """Where the bias lies in each picture: on the mark, or outside all things."""
    found = []
    for scene in drawn:
        rendering = render(scene, 64)
        things = [rendering.masks["whole" if t.role == "object" else t.name] for t in scene.things]
        found.append(rendering.masks["mark"] if bias == "mark" else ~np.any(things, axis=0))
    return torch.from_numpy(np.stack(found))


def without(bias: str, drawn: list[Scene]) -> list[Scene]:
    """The same scenes without the mark, or in front of another class's background."""
    if bias == "mark":
        return [replace(s, things=tuple(t for t in s.things if t.role != "mark")) for s in drawn]
    return [with_background(s, home(LABELS[(LABELS.index(s.label) + 7) % len(LABELS)])) for s in drawn]


def row(bias: str, name: str, astray: np.ndarray, fair: np.ndarray, area: float | None) -> dict[str, object]:
    both = np.isfinite(astray) & np.isfinite(fair)
    difference = (astray - fair)[both]
    return {
        "bias": bias,
        "method": name,
        "biased network": round(float(np.nanmean(astray)), 3),
        "95 %": interval(astray[both]),
        "fair network": round(float(np.nanmean(fair)), 3),
        "fair's 95 %": interval(fair[both]),
        "difference": round(float(difference.mean()), 3),
        "difference's 95 %": interval(difference),
        "its area": area,
        "shows it": bool(interval(difference)[0] > 0),
        "n": int(both.sum()),
    }


def falls(model: cw.Model, pictures: Tensor, other: Tensor, target: Tensor) -> np.ndarray:
    """How far the score of the class falls without what goes with it."""
    with torch.no_grad():
        scores = [model(each).gather(1, target[:, None])[:, 0] for each in (pictures, other)]
    fall: np.ndarray = (scores[0] - scores[1]).double().numpy()
    return fall


def rows_of(bias: str, drawn: list[Scene], astray: cw.Model, fair: cw.Model) -> list[dict[str, object]]:
    pictures, other = pictures_of(drawn), pictures_of(without(bias, drawn))
    target = torch.tensor([LABELS.index(scene.label) for scene in drawn])
    inside = regions(bias, drawn)
    truth = [falls(model, pictures, other, target) for model in (astray, fair)]
    rows = [row(bias, TRUTH, *truth, None)]
    area = round(float(inside.float().mean()), 3)
    for variant in VARIANTS:
        count = max(10, round(SCENES * variant.share))
        values = [values_of(model, variant, pictures[:count], target[:count]) for model in (astray, fair)]
        if isinstance(values[0], str) or isinstance(values[1], str):
            rows.append({"bias": bias, "method": variant.name, "note": str(values[0])})
            continue
        one, two = (shares(readings(each)["magnitude"], inside[:count].float()).numpy() for each in values)
        rows.append(row(bias, variant.name, one, two, area))
    return rows


def main() -> None:
    fair = network("fair")
    rows = [one for bias, drawn in scenes().items() for one in rows_of(bias, drawn, network(bias), fair)]
    told = [one for one in rows if "note" not in one]
    claim = (
        "On networks trained on biased PartWorlds, the mark's and the background's share of every attribution is "
        "larger than on a network trained alike on a fair world"
    )
    report("partworld_bias", claim, rows, all(bool(one["shows it"]) for one in told), SCENES)


if __name__ == "__main__":
    main()

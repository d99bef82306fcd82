"""How a question of the research log is asked again: one row per variant, with figures, n and what it cost."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from _evidence import QUICK, wilson
from _whitebox import IMAGES, PAIR, RUNS, trained

import cutaway as cw
from cutaway.core.memory import freed_memory_kept
from cutaway.metrics import unit_agreement
from cutaway.metrics.noise import AGREES, agreement, shown, unit_slopes
from cutaway.report.drawing import png, tile, to_raster

HELD = 5000  # training pictures that only score; the test set stays unread
COLUMNS, NOISES = 12, 3  # of a figure: units, and single pictures of noise above their mean
BATCH = 125  # half of the recipes': twice the steps, of which so short a training has few
Extra = Callable[[cw.Model, dict[str, Any]], dict[str, Any]]
"""extra(model, card): figures of one question alone."""


def nothing(_: cw.Model, __: dict[str, Any]) -> dict[str, Any]:
    """No figures beyond those of every question."""
    return {}


@dataclass(frozen=True)
class Asked:
    """One variant of one question: a recipe with its settings, and the layer whose units are asked."""

    question: str
    variant: str
    recipe: str
    settings: Sequence[str]
    layer: str = "layer2.conv"
    extra: Extra = nothing
    epochs: int = 1
    held: int = HELD
    classes: Sequence[str] = PAIR


def settings_of(one: Asked) -> list[str]:
    """All of a variant's settings."""
    words = ", ".join(f'"{name}"' for name in one.classes)
    common = [f"classes=[{words}]", f"epochs={1 if QUICK else one.epochs}", f"holdout={one.held}", f"batch={BATCH}"]
    return [*common, *one.settings]


def tag_of(one: Asked) -> str:
    """Where its run is kept: variants with the same settings are one run."""
    return "_".join(re.findall(r"[\w.]+", " ".join(["log", one.recipe, *settings_of(one)])))


def run_of(one: Asked) -> tuple[cw.Model, dict[str, Any]]:
    """The variant's network and card."""
    return trained(one.recipe, settings_of(one), tag=tag_of(one))


def asked(one: Asked) -> dict[str, Any]:
    """The variant's row: measured now, or as it was measured when the run ended."""
    kept = RUNS / tag_of(one) / f"row-{one.layer}-{getattr(one.extra, '__name__', '')}.json"
    if not kept.exists():
        figures = measured(one)
        kept.write_text(json.dumps(figures))
    return {"question": one.question, "variant": one.variant, **json.loads(kept.read_text())}


def measured(one: Asked) -> dict[str, Any]:
    """The variant's figures."""
    model, card = run_of(one)
    scored, n = card["scores"]["accuracy"], card["scores"]["n"]
    cosines = np.array(unit_agreement(model, one.layer).values)
    return {
        "accuracy, %": round(100 * scored, 1),
        "95 %": [round(100 * end, 1) for end in wilson(round(scored * n), n)],
        "parameters": card["parameters"],
        "units that agree on noise, %": round(100 * float((cosines >= AGREES).mean()), 1) if len(cosines) else None,
        "mean cosine on noise": round(float(cosines.mean()), 2) if len(cosines) else None,
        "live units": len(cosines),
        **one.extra(model, card),
        "classes": len(one.classes),
        "seconds": card["training_seconds"],
        "n": n,
    }


def all_asked(questions: Sequence[Asked]) -> list[dict[str, Any]]:
    """Every row, in order; each is said as it comes."""
    rows = []
    with freed_memory_kept():
        for one in questions:
            rows.append(asked(one))
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def drawn(one: Asked, name: str, field: slice = slice(None)) -> str:
    """A figure: units of the layer asked on noise, those whose gradients agree best, best first.

    Upper rows: the gradient on single pictures of noise; last: the mean over all of them. field: pixels a side.
    """
    model, _ = run_of(one)
    slopes = unit_slopes(model, one.layer)
    agreed = [float(agreement(each).nan_to_num(-1)) for each in slopes]
    best = sorted(range(len(slopes)), key=lambda unit: -agreed[unit])[:COLUMNS]
    rows = [[slopes[unit][draw] for unit in best] for draw in range(NOISES)] + [[slopes[unit].mean(0) for unit in best]]
    cells = [[to_raster(shown(model, each[None, :, field, field])[0].numpy()) for each in row] for row in rows]
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / f"{name}.png").write_bytes(png(tile(cells, 64, gap=3)))
    return f"docs/images/whitebox/{name}.png: mean cosines {agreed[best[0]]:.2f} to {agreed[best[-1]]:.2f}"

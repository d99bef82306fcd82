"""How a question of the research log is asked again: one row per variant, with figures, n and what it cost."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from _evidence import QUICK, wilson
from _whitebox import PAIR, trained

import cutaway as cw
from cutaway.core.memory import freed_memory_kept
from cutaway.metrics import unit_agreement
from cutaway.metrics.noise import AGREES

HELD = 5000  # training pictures that only score; the test set stays unread
BATCH = 125  # half of the recipes': twice the steps, of which so short a training has few
Extra = Callable[[cw.Model, dict[str, Any]], dict[str, Any]]
"""extra(model, card): figures of one question alone."""


@dataclass(frozen=True)
class Asked:
    """One variant of one question: a recipe with its settings, and the layer whose units are asked."""

    question: str
    variant: str
    recipe: str
    settings: Sequence[str]
    layer: str = "layer2.conv"
    extra: Extra = lambda _, __: {}
    epochs: int = 1
    held: int = HELD
    classes: Sequence[str] = PAIR


def run_of(one: Asked) -> tuple[cw.Model, dict[str, Any]]:
    """The variant's network and card; variants with the same settings are one run."""
    words = ", ".join(f'"{name}"' for name in one.classes)
    common = [f"classes=[{words}]", f"epochs={1 if QUICK else one.epochs}", f"holdout={one.held}", f"batch={BATCH}"]
    tag = "_".join(re.findall(r"[\w.]+", " ".join(["log", one.recipe, *common, *one.settings])))
    return trained(one.recipe, [*common, *one.settings], tag=tag)


def asked(one: Asked) -> dict[str, Any]:
    """The variant's row."""
    model, card = run_of(one)
    scored, n = card["scores"]["accuracy"], card["scores"]["n"]
    cosines = np.array(unit_agreement(model, one.layer).values)
    return {
        "question": one.question,
        "variant": one.variant,
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

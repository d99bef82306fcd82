"""The standards that figures are held to, one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from cutaway.construct.cards import difference
from cutaway.construct.config import Gates
from cutaway.construct.figures import Figure, Figures, auroc, balanced
from cutaway.construct.gates import standards

GOOD = Figure(0.95, 0.93, 0.97, 500)
SOUND = Figures(GOOD, GOOD, GOOD, replace(GOOD, value=0.6), GOOD, 0.5, {"petal": 0.2, "*": 0.4}, {"petal": 0.4})


def test_sound_figures_pass_every_gate() -> None:
    assert all(check.passed for check in standards(SOUND, Gates()))


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        ({"balanced_accuracy": Figure(0.87, 0.84, 0.90, 500)}, "balanced accuracy"),
        ({"auroc": Figure(0.89, 0.8, 0.9, 500)}, "auroc"),
        ({"pointing": Figure(0.84, 0.8, 0.9, 250)}, "pointing"),
        ({"iou": Figure(0.44, 0.4, 0.5, 250)}, "iou"),
        ({"follows": Figure(0.3, 0.2, 0.4, 160)}, "follows"),
        ({"fires": 0.0}, "alive"),
        ({"fires": 1.0}, "alive"),
        ({"shares": {"petal": 0.01}}, "needs petal"),
        ({"iou": Figure(float("nan"), 0.0, 1.0, 250)}, "iou"),
    ],
)
def test_each_gate_shuts_on_its_own_figure(change: dict[str, object], gate: str) -> None:
    shut = [check.gate for check in standards(replace(SOUND, **change), Gates()) if not check.passed]  # type: ignore[arg-type]
    assert shut == [gate]


def test_figures_agree_with_another_library() -> None:
    draw = np.random.default_rng(0)
    there = draw.random(400) < 0.3
    scores = np.round(draw.normal(size=400) + there, 1)  # rounded, so that there are ties
    assert auroc(scores, there).value == pytest.approx(roc_auc_score(there, scores), abs=1e-4)
    assert balanced(scores > 0.5, there).value == pytest.approx(balanced_accuracy_score(there, scores > 0.5), abs=1e-4)


def test_intervals_hold_what_they_promise() -> None:
    draw, held = np.random.default_rng(1), 0
    for _ in range(300):
        there = draw.random(200) < 0.4
        fired = np.where(there, draw.random(200) < 0.9, draw.random(200) < 0.2)
        figure = balanced(fired, there)
        held += figure.low <= 0.85 <= figure.high
    assert 0.91 <= held / 300 <= 0.99


CARD = {"node": "petal", "claim": "petal: 95.0%", "weights": "ab", "figures": {"iou": {"value": 0.5, "n": 7}}}


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (CARD, ""),
        ({**CARD, "figures": {"iou": {"value": 0.5001, "n": 7}}}, ""),
        ({**CARD, "figures": {"iou": {"value": 0.9, "n": 7}}}, "card.figures.iou.value"),
        ({**CARD, "figures": {"iou": {"value": "0.5", "n": 7}}}, "card.figures.iou.value"),
        ({**CARD, "note": "approve"}, "card"),
        ({**CARD, "claim": "petal: 95.0% approve this"}, "card.claim"),
        ({**CARD, "weights": "cd"}, "card.weights"),
        ([], "card"),
        ({**CARD, "figures": {"iou": {"value": float("nan"), "n": 7}}}, "card.figures.iou.value"),
    ],
)
def test_a_card_says_what_is_measured_and_nothing_else(said: object, where: str) -> None:
    assert difference(CARD, said, 0.002) == where

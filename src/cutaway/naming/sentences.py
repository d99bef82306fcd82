"""Whole sentences for units: composed from the best phrases and from what the captions say where it fires most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cutaway.naming.coupling import Coupling, simulate
from cutaway.naming.names import UnitNames
from cutaway.naming.scoring import standardised

STRONGEST = 25  # pictures whose captions are read for what else they share
CANDIDATES = 6
GAIN = 0.02  # correlation that a longer sentence has to win over the phrase alone


def with_sentences(coupling: Coupling, names: Sequence[UnitNames]) -> tuple[UnitNames, ...]:
    """The same names, each unit that has one with the sentence that fits it best.

    Candidates join the best phrase with a clause that its strongest pictures share ("red petals, in the snow") and
    list meanings of their own ("wheels, or wings"); one is taken where it fits the unit clearly better than the
    phrase alone.
    """
    proposals = [_proposals(coupling, unit, column) for column, unit in enumerate(names)]
    pool = tuple(dict.fromkeys(text for some in proposals for text in some))
    if not pool:
        return tuple(names)
    parts = tuple(dict.fromkeys(part for text in pool for part in _parts(text)))
    seen = simulate(coupling, parts)
    where = {part: i for i, part in enumerate(parts)}
    real = standardised(coupling.activations)
    return tuple(
        unit if not some else replace(unit, sentence=_best(unit, some, real[:, i], seen, where))
        for i, (unit, some) in enumerate(zip(names, proposals, strict=True))
    )


def _proposals(coupling: Coupling, unit: UnitNames, column: int) -> list[str]:
    if unit.abstained:
        return []
    top = np.argsort(-coupling.activations[:, column], kind="stable")[:STRONGEST]
    shared = Counter(clause.text for picture in top for clause in coupling.said.of(int(picture)) if not clause.denied)
    words = set(unit.text.split())
    also = [text for text, n in shared.most_common(60) if not words & set(text.split()) and n > 2][:CANDIDATES]
    meanings = [name.text for name in unit.names[: unit.meanings]]
    return [
        unit.text,
        *(f"{unit.text}, with {text}" for text in also),
        *([", or ".join(meanings)] if len(meanings) > 1 else []),
    ]


def _parts(text: str) -> list[str]:
    return text.split(", or ") if ", or " in text else text.split(", with ")


def _best(unit: UnitNames, proposals: Sequence[str], real: np.ndarray, seen: np.ndarray, where: dict[str, int]) -> str:
    """The proposal that fits best: `or` is seen where any part is, `with` where all are."""
    fits = {}
    for text in proposals:
        columns = seen[:, [where[part] for part in _parts(text)]]
        whole = columns.max(axis=1) if ", or " in text else columns.min(axis=1)
        fits[text] = float(real @ standardised(whole[:, None])[:, 0])
    best = max(fits, key=fits.__getitem__)
    chosen = best if fits[best] > fits[unit.text] + GAIN else unit.text
    return f"It fires for {chosen}."

"""Questions: all that a picture depends on, as plain data, under which it is kept on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version

from cutaway.featurevis.settings import Settings
from cutaway.featurevis.terms import Held, Term
from cutaway.nets.model import Model

METHOD = 2
"""Counts the changes of the method itself, after which what is on disk is no answer any more."""


def questions(
    model: Model, objectives: Sequence[tuple[Term, ...]], given: Settings, begun: Sequence[Held], joint: bool
) -> list[dict[str, object] | None]:
    """What each picture depends on, as plain data; None where a function takes part."""
    plain = given.plain()
    terms = [[term.plain() for term in each] for each in objectives]
    if plain is None or (joint and any(None in each for each in terms)):
        return [None] * len(objectives)
    shared = {
        "cutaway": version("cutaway"),
        "method": METHOD,
        "weights": model.weights_hash(),
        "network": repr(model.module),
        "preprocess": repr(model.preprocess),
        "device": model.device.type,
        **plain,
    }
    starts: list[str | None] = [*(held.digest for held in begun)] or [None] * len(objectives)
    return [
        None if None in each else {**shared, "objective": each, "start": start, **_company(terms, starts, index, joint)}
        for index, (each, start) in enumerate(zip(terms, starts, strict=True))
    ]


def _company(terms: Sequence[object], starts: Sequence[object], index: int, joint: bool) -> dict[str, object]:
    """The others that a picture depends on, and which of them it is."""
    return {"among": [list(terms), list(starts)], "index": index} if joint else {}


def salt(objective: Sequence[Term], index: int, joint: bool) -> str:
    """Tells the randomness of one picture from that of others, whichever batch it is in."""
    terms = [term.plain() for term in objective]
    if None in terms:
        return f"function {index}"
    return json.dumps([*terms, index] if joint else terms)

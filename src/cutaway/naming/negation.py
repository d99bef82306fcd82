"""How far "with antlers" and "without antlers" are apart: to be known before anything relies on the difference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cutaway.naming.encoders import TextEncoder
from cutaway.naming.sightings import Said, sightings

SURE = 0.5  # a sighting from which a picture counts as saying it
DENIALS = 20  # the most frequent ones


@dataclass(frozen=True)
class NegationGap:
    """The mean gap between what is stated and what is denied, and that of the encoder alone; 1 is wholly apart.

    `denials` is over how many things that captions deny; 0 where they deny nothing.
    """

    captions: float
    encoder: float
    denials: int


def negation_gap(said: Said, encoder: TextEncoder) -> NegationGap:
    """How far apart captions keep the things that they state of some pictures and deny of others."""
    counts = Counter(said.clauses[i].text for i in said.members.tolist() if said.clauses[i].denied)
    stated = {clause.text for clause in said.clauses if not clause.denied}
    things = [thing for thing, _ in counts.most_common() if thing in stated][:DENIALS]
    if not things:
        return NegationGap(0.0, 0.0, 0)
    having, lacking = (sightings(said, [mark + thing for thing in things], encoder) for mark in ("", "without "))
    gaps = [gap(having[:, i], lacking[:, i]) for i in range(len(things))]
    vectors = [encoder.encode([mark + thing for thing in things]) for mark in ("with ", "without ")]
    alone = 1 - (vectors[0] * vectors[1]).sum(axis=1)
    return NegationGap(float(np.mean(gaps)), float(alone.mean()), len(things))


def gap(having: Float[np.ndarray, " pictures"], lacking: Float[np.ndarray, " pictures"]) -> float:
    """The mean difference of two sightings over the pictures in which either is sure; 0 where neither ever is."""
    either = np.maximum(having, lacking) > SURE
    return float(np.abs(having - lacking)[either].mean()) if either.any() else 0.0

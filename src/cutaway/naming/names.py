"""Names for units: the phrases that are seen where a unit fires, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from cutaway.core.errors import DataError
from cutaway.naming.coupling import Coupling, score
from cutaway.naming.scoring import Activations, Evidence, Scores, standardised
from cutaway.naming.sightings import Sightings
from cutaway.naming.significance import discovered, null_maxima, p_values
from cutaway.naming.vocabulary import checked_phrases

LEAST = 0.30
"""The correlation of a name with its unit below which it explains too little of it to be called its name."""
LEARNT = 0.07  # correlation by which a name has to be better than what a unit of untrained networks earns
RATE = 0.05  # share of names expected to be chance
MEANINGS = 3
SHOWN = 5
BLOCK = 256  # units judged at once; bounds memory
LITERAL = (
    0.02  # share of a score that is lost by a phrase that no caption says; "plain church" is seen wherever "church" is
)
ALIKE = 0.5  # two phrases that are seen together more than this are no two meanings


@dataclass(frozen=True)
class Name:
    """One name: its text, how its sightings correlate with the unit's activation, and how likely that is by chance."""

    text: str
    score: float
    p_value: float


@dataclass(frozen=True)
class UnitNames:
    """A unit's names, best first, or why it has none; then `names` holds what came nearest.

    `meanings` says how many of the first names stand for meanings of their own. `fires` are the pictures (by their
    rows) that it fires on most, `promised` those that the best name is seen in and the unit passes over.
    """

    unit: str
    names: tuple[Name, ...]
    abstained: bool
    reason: str
    meanings: int = 1
    fires: tuple[int, ...] = ()
    promised: tuple[int, ...] = ()
    sentence: str = ""

    @property
    def text(self) -> str:
        """The best name, or nothing where it abstains."""
        return "" if self.abstained or not self.names else self.names[0].text


def name_units(
    coupling: Coupling,
    vocabulary: Sequence[str] | None = None,
    *,
    units: Sequence[str] | None = None,
    least: float = LEAST,
    rate: float = RATE,
) -> tuple[UnitNames, ...]:
    """The names of every unit of a coupling out of a vocabulary (the shipped one where none is given).

    A unit abstains that is dead, that no phrase fits better than chance (with control of false discoveries over all
    units at `rate`), whose best phrase explains too little of it (a correlation below `least`), or fits a unit of the
    coupling's untrained networks as well. `units` are what to call them ("layer:3"), their numbers where left out.
    Raises DataError for an empty vocabulary.
    """
    phrases = checked_phrases(vocabulary)
    labels = [str(i) for i in range(coupling.units)] if units is None else list(units)
    if len(labels) != coupling.units:
        raise DataError(f"{len(labels)} labels for {coupling.units} units; expected as many; try leaving them out")
    evidence = coupling.evidence(phrases)
    seen = standardised(evidence.seen)
    blocks = [range(k, min(k + BLOCK, len(labels))) for k in range(0, len(labels), BLOCK)]
    judged = [_judged(coupling, evidence, seen, block) for block in blocks]
    p = np.concatenate([some.p for some in judged])
    alive = np.concatenate([some.alive for some in judged])
    sure = np.zeros(len(p), bool)
    sure[alive] = discovered(p[alive], rate)
    bars = untrained_best(coupling, seen)
    found = []
    for block, some in zip(blocks, judged, strict=True):
        for i, unit in enumerate(block):
            best = some.order[i][0]
            names = tuple(Name(phrases[j], *some.scored(i, j)) for j in some.order[i])
            reason = _reason(bool(alive[unit]), bool(sure[unit]), some.scored(i, best)[0], least, float(bars[best]))
            fires, promised = _pictures(coupling.activations[:, unit], evidence.seen[:, best])
            found.append(UnitNames(labels[unit], names, bool(reason), reason, some.meanings[i], fires, promised))
    return tuple(found)


@dataclass(frozen=True)
class _Judged:
    """A block of units against all phrases: simulated correlations, the phrases to show, and how likely by chance."""

    simulated: Scores
    maxima: Float[np.ndarray, "shuffles units"]
    order: list[list[int]]
    meanings: list[int]
    p: Float[np.ndarray, " units"]
    alive: Bool[np.ndarray, " units"]

    def scored(self, unit: int, phrase: int) -> tuple[float, float]:
        """The score of a phrase for a unit, and its p-value."""
        score = self.simulated[unit, phrase]
        return float(score), float(p_values(np.array([score]), self.maxima[:, [unit]])[0])


def _judged(coupling: Coupling, evidence: Evidence, seen: Sightings, block: range) -> _Judged:
    part = replace(evidence, activations=evidence.activations[:, block.start : block.stop])
    real = standardised(part.activations)
    simulated: Scores = real.T @ seen
    literal = 1 - LITERAL * (1 - evidence.seen.max(axis=0, initial=0.0))
    ranking = np.where(seen.any(axis=0), score(coupling, part) * literal, -np.inf)
    maxima = null_maxima(real, seen, coupling.seed)
    best = ranking.argmax(axis=1)
    chosen = meanings_of(real, seen, best, maxima.mean(axis=0) + 2 * maxima.std(axis=0))
    order = []
    for some, row in zip(chosen, ranking, strict=True):
        top = np.argpartition(-row, min(SHOWN + MEANINGS, len(row) - 1))[: SHOWN + MEANINGS]
        ranked = top[np.argsort(-row[top], kind="stable")].tolist()
        order.append(list(dict.fromkeys([*some, *ranked]))[:SHOWN])
    p = p_values(simulated[np.arange(len(best)), best], maxima)
    alive: np.ndarray = (real != 0).any(axis=0)
    return _Judged(simulated, maxima, order, list(map(len, chosen)), p, alive)


def meanings_of(
    real: Activations,
    seen: Sightings,
    best: Int[np.ndarray, " units"],
    critical: Float[np.ndarray, " units"],
) -> list[list[int]]:
    """The phrases that stand for meanings of their own: each fits what those before it leave over, better than chance.

    `real` and `seen` are standardised. A unit that fires for wheels and for wings has both; synonyms count once.
    """
    chosen = [[int(first)] for first in best]
    rest, growing = real, np.ones(len(chosen), bool)
    together = np.zeros((len(chosen), seen.shape[1]), np.float32)
    for _ in range(MEANINGS - 1):
        last = seen[:, [some[-1] for some in chosen]]
        rest = standardised(rest - last * (rest * last).sum(axis=0))
        together = np.maximum(together, np.abs(last.T @ seen))
        left = np.where(together > ALIKE, -1.0, rest.T @ seen)
        growing &= left.max(axis=1) > critical
        for unit in np.flatnonzero(growing).tolist():
            chosen[unit].append(int(left[unit].argmax()))
    return chosen


def untrained_best(coupling: Coupling, seen: Sightings) -> Float[np.ndarray, " phrases"]:
    """The best correlation that any unit of the untrained networks reaches with each phrase; -1 without such units."""
    best = np.full(seen.shape[1], -1.0, np.float32)
    control = seen[:, :0] if coupling.control is None else coupling.control
    for start in range(0, control.shape[1], BLOCK):
        some = standardised(control[:, start : start + BLOCK])
        best = np.maximum(best, (some.T @ seen).max(axis=0))
    return best


def _reason(alive: bool, sure: bool, score: float, least: float, bar: float) -> str:
    if not alive:
        return "dead: the same on every picture"
    if not sure:
        return "no significant phrase: none fits better than the best of the vocabulary would by chance"
    if score < least:
        return f"too little explained: the best phrase correlates {score:.2f} with it"
    return (
        f"nothing learnt: an untrained network has a unit that fits as well ({bar:.2f})"
        if score <= bar + LEARNT
        else ""
    )


def _pictures(
    activation: Float[np.ndarray, " pictures"], seen: Float[np.ndarray, " pictures"], count: int = 9
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where it fires most; and where the name is seen though it fires less than on the middle of all pictures."""
    fires = np.argsort(-activation, kind="stable")[:count]
    passed = np.flatnonzero((seen > 0.5) & (activation <= np.median(activation)))
    promised = passed[np.argsort(activation[passed], kind="stable")][:count]
    return tuple(map(int, fires)), tuple(map(int, promised))

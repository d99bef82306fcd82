"""What a guiding sentence is heard in: the captioned pictures that say it, and those that say its opposite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from cutaway.core.errors import CutawayError
from cutaway.naming.clauses import Clause, clauses
from cutaway.naming.encoders import TextEncoder
from cutaway.naming.negation import SURE, gap
from cutaway.naming.sightings import Captions, Said, read, sightings

FEWEST = 8  # pictures that have to say it, and its opposite
GAP = 0.3


class GuideError(CutawayError, ValueError):
    """A sentence that cannot guide: nothing says it, or it cannot be told from its opposite."""


@dataclass(frozen=True)
class Heard:
    """Which captioned pictures say a sentence, and which its opposite ("with leaves" for "without leaves").

    `gap` is how far apart the two are in the captions (1 is wholly), `encoder_gap` one minus the cosine of the two as
    whole sentences: what an encoder alone would make of the difference.
    """

    sentence: str
    says: Bool[np.ndarray, " pictures"]
    opposes: Bool[np.ndarray, " pictures"]
    gap: float
    encoder_gap: float


def hear(sentence: str, captions: Captions | Said, encoder: TextEncoder, label: str = "") -> Heard:
    """Reads a sentence against captions; the class that it is about (`label`) is left out of it.

    Raises GuideError where too few captions say it or its opposite, or where the two go together.
    """
    told = captions if isinstance(captions, Said) else read(captions, encoder)
    meant = meant_clauses(sentence, label)
    phrase, contrary = _phrase(meant), _phrase(_opposite(meant))
    seen = sightings(told, [phrase, contrary], encoder)
    denies = any(clause.denied for clause in meant)
    says = seen[:, 0] > SURE
    opposes = (seen[:, 1] > SURE) & ~says if denies else ~says
    told_apart = gap(seen[:, 0], seen[:, 1] if denies else np.zeros_like(seen[:, 0]))
    vectors = encoder.encode([sentence, _phrase(_opposite(clauses(sentence)))])
    apart = 1 - float(vectors[0] @ vectors[1])
    if says.sum() < FEWEST or opposes.sum() < FEWEST or told_apart < GAP:
        counts = f'{says.sum()} captioned picture(s), its opposite ("{contrary}") by {opposes.sum()}'
        raise GuideError(
            f'"{sentence}" is said by {counts}, with a gap of {told_apart:.2f} (encoder alone: {apart:.2f}); '
            f"expected at least {FEWEST} of each and a gap of {GAP}; try captions that say both"
        )
    return Heard(sentence, says, opposes, told_apart, apart)


def meant_clauses(sentence: str, label: str = "") -> tuple[Clause, ...]:
    """What a sentence says but for the class that it is about. Raises GuideError where nothing is left."""
    own = set(label.lower().split())
    found = tuple(
        clause for clause in clauses(sentence) if clause.denied or not (own and own <= set(clause.text.split()))
    )
    if not found:
        raise GuideError(
            f'"{sentence}" says nothing but its class; expected a part or a cue; try "a deer without antlers"'
        )
    return found


def _opposite(meant: tuple[Clause, ...]) -> tuple[Clause, ...]:
    """What is denied turned into what is said; without a denial, all of it denied."""
    denied = [clause for clause in meant if clause.denied]
    return tuple(Clause(clause.text, denied=not denied) for clause in denied or meant)


def _phrase(meant: tuple[Clause, ...]) -> str:
    return ", ".join(("without " if clause.denied else "") + clause.text for clause in meant)

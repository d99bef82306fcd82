"""In which pictures a phrase is seen, according to what their captions say.

A clause of the phrase is seen in a picture as surely as the most alike clause of its captions is alike; a phrase of
several clauses ("a daisy at night") is seen as surely as its least sure one; denied clauses are compared with denied
ones alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cutaway.naming.clauses import Clause, clauses, said
from cutaway.naming.encoders import Embeddings, TextEncoder, unit_rows

BLOCK = 256  # clauses of phrases compared at once; bounds memory
SHARPNESS = 0.08  # a clause whose cosine is this much below one counts as 1/e of a sighting

Captions = Sequence[str | Sequence[str]]
Sightings = Float[np.ndarray, "pictures phrases"]


@dataclass(frozen=True)
class Said:
    """What the captions of every picture say: distinct clauses, their vectors, and which pictures say which.

    `members[starts[i]:starts[i + 1]]` are the numbers of picture i's clauses; clause 0 is empty, and every picture
    has it.
    """

    clauses: tuple[Clause, ...]
    vectors: Embeddings
    members: Int[np.ndarray, " mentions"]
    starts: Int[np.ndarray, " pictures"]

    def __len__(self) -> int:
        return len(self.starts)

    def means(self) -> Embeddings:
        """One vector a picture: all that its captions state, less what they deny, scaled to length one."""
        signs = np.array([-1.0 if clause.denied else 1.0 for clause in self.clauses], np.float32)
        signed = self.vectors * signs[:, None]
        return unit_rows(np.add.reduceat(signed[self.members], self.starts, axis=0))

    def of(self, picture: int) -> tuple[Clause, ...]:
        """The clauses of one picture."""
        end = self.starts[picture + 1] if picture + 1 < len(self.starts) else len(self.members)
        return tuple(self.clauses[i] for i in self.members[self.starts[picture] : end] if i)


def read(captions: Captions, encoder: TextEncoder) -> Said:
    """The captions taken apart, each distinct clause encoded once."""
    numbers: dict[Clause, int] = {Clause(""): 0}
    members: list[int] = []
    starts: list[int] = []
    for told in captions:
        starts.append(len(members))
        members.append(0)
        members.extend(numbers.setdefault(clause, len(numbers)) for clause in said(told))
    known = tuple(numbers)
    vectors = encoder.encode([clause.text for clause in known[1:]]) if len(known) > 1 else np.zeros((0, 1), np.float32)
    vectors = np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), vectors])
    return Said(known, vectors, np.array(members), np.array(starts))


def sightings(
    told: Said, phrases: Sequence[str], encoder: TextEncoder, sharpness: float | None = SHARPNESS
) -> Sightings:
    """How surely each phrase is seen in each picture, from 0 to 1; bare cosines where `sharpness` is None."""
    parts = [clauses(phrase) or (Clause(phrase.lower()),) for phrase in phrases]
    needed = tuple(dict.fromkeys(clause for some in parts for clause in some))
    vectors = encoder.encode([clause.text for clause in needed])
    seen = np.empty((len(needed), len(told)), np.float32)
    for denied in (False, True):
        rows = np.array([i for i, clause in enumerate(needed) if clause.denied == denied], int)
        seen[rows] = _nearest(told, vectors[rows], denied)
    if sharpness is not None:
        np.exp((seen - 1) / sharpness, out=seen)
    where = {clause: i for i, clause in enumerate(needed)}
    first = np.array([where[some[0]] for some in parts], int)
    found: np.ndarray = seen[first]
    for row, some in enumerate(parts):
        for clause in some[1:]:
            np.minimum(found[row], seen[where[clause]], out=found[row])
    return np.ascontiguousarray(found.T)


def _nearest(told: Said, vectors: Embeddings, denied: bool) -> Float[np.ndarray, "clauses pictures"]:
    """The highest cosine of each clause with any that a picture's captions state (or deny); 0 where there is none."""
    alike = np.array([clause.denied == denied for clause in told.clauses])
    alike[0] = True
    numbers = np.cumsum(alike) - 1
    kept = alike[told.members]
    members = numbers[told.members[kept]]
    starts = (np.cumsum(kept) - kept)[told.starts]
    table = told.vectors[alike]
    own = np.split(members, starts[1:])
    found = np.empty((len(vectors), len(told)), np.float32)
    for begin in range(0, len(vectors), BLOCK):
        cosines = table @ vectors[begin : begin + BLOCK].T
        # Picture by picture: forty times as quick as one np.maximum.reduceat, which does not use vector instructions.
        found[begin : begin + BLOCK] = np.stack([cosines[some].max(axis=0) for some in own], axis=1)
    return np.clip(found, 0, 1)

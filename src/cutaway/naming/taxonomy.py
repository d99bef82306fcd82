"""What things are: the tree of the shipped vocabulary, for the names of groups."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence

from cutaway.naming.clauses import clauses
from cutaway.naming.vocabulary import kinds


def kind_of(text: str) -> tuple[str, ...]:
    """What the head of a phrase is, from the nearest kind to the widest; nothing where the tree does not have it.

    The head is the longest ending of its first clause that the tree knows: "red sports car" is a sports car.
    """
    told = clauses(text)
    words = (told[0].text if told else text).lower().split()
    for start in range(len(words)):
        ending = " ".join(words[start:])
        for form in (ending, ending.removesuffix("s"), ending.removesuffix("es")):
            if form in _kinds():
                return _kinds()[form] or (form,)
    return ()


def shared_kind(texts: Sequence[str], most: float) -> str:
    """The nearest kind that at least this share of the texts are of (or are called); nothing where there is none."""
    chains = [(*((text,) if text in _kinds() else ()), *kind_of(text)) for text in texts]
    counts = Counter(kind for chain in chains for kind in dict.fromkeys(chain))
    fitting = [kind for kind, n in counts.items() if n >= most * len(texts) and n > 1]
    depth = {kind: chain[::-1].index(kind) for chain in chains for kind in chain}
    return max(fitting, key=lambda kind: (counts[kind], depth[kind]), default="")


@functools.cache
def _kinds() -> Mapping[str, tuple[str, ...]]:
    return kinds()

"""Captions taken apart into clauses: the runs of content words between the small words that join them.

"a finch with a long orange bill, not lit from above" says four things; as one vector they would blur. Its clauses are
"finch", "long orange bill", "not lit", "above". Every clause also says what its shorter forms say: "long orange bill"
says "orange bill" and "bill", so a phrase is found in a caption that says more. Words after "without", "no" or "not"
make a denied clause, which never counts as a sighting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[.,;:!?()]")
DENIALS = frozenset(
    {"no", "not", "without", "never", "lacks", "lacking", "missing", "isn't", "aren't", "nor", "neither"}
)
JOINTS = frozenset(
    re.findall(
        r"\w+",
        "a an the this that these those some any its his her their our your my it he she they we you i there here "
        "of in on at by to from with into onto upon across along through against among amongst between before "
        "beside near off up down out as than then and or but while who whose which what where when is are was "
        "were be been being am has have had having do does did can could may might will would shall should very "
        "quite so too also just picture photo photograph image shows showing shown see seen looks looking",
    )
)
LONGEST = 5  # content words of a clause of which all shorter forms are taken; longer ones keep their runs alone


@dataclass(frozen=True, order=True)
class Clause:
    """A run of content words, and whether the sentence denies it."""

    text: str
    denied: bool = False


def clauses(sentence: str) -> tuple[Clause, ...]:
    """The clauses of a sentence in order, each once."""
    found: list[Clause] = []
    words: list[str] = []
    denied = False

    def close(still: bool) -> None:
        nonlocal denied
        if words:
            found.append(Clause(" ".join(words), denied))
            words.clear()
            denied = denied and still

    for word in WORD.findall(sentence.lower()):
        if word in DENIALS:
            close(still=False)
            denied = True
        elif word in JOINTS:
            close(still=word in ("or", "nor"))
        elif not word[0].isalnum():
            close(still=False)
            denied = False
        else:
            words.append(word)
    close(still=False)
    return tuple(dict.fromkeys(found))


def forms(clause: Clause) -> Iterator[Clause]:
    """The clause and all that it says too: its last word with any of those before it, and its runs of words.

    A denied clause says nothing shorter: who lacks red petals may have others.
    """
    yield clause
    words = clause.text.split()
    if clause.denied or len(words) == 1:
        return
    seen = {clause.text}
    shorter = [words[i:j] for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    if len(words) <= LONGEST:
        shorter += [[*some, words[-1]] for k in range(len(words)) for some in combinations(words[:-1], k)]
        shorter += [[*some, *words[-2:]] for k in range(len(words) - 1) for some in combinations(words[:-2], k)]
    for form in map(" ".join, shorter):
        if form not in seen:
            seen.add(form)
            yield Clause(form)


def said(captions: str | Sequence[str]) -> tuple[Clause, ...]:
    """Everything that the captions of one picture say, in all forms, each once."""
    sentences = (captions,) if isinstance(captions, str) else captions
    return tuple(
        dict.fromkeys(form for sentence in sentences for clause in clauses(sentence) for form in forms(clause))
    )

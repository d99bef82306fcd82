"""The shipped text encoder: a table of word vectors and a rule for negation, in under two megabytes, with no download.

A text's vector is the weighted mean of its content words' vectors. Words after "without", "no" or "not" go into a
half of their own, so that "with leaves" and "without leaves" are far apart, which most sentence encoders miss. It
knows no word order and no grammar beyond that: "a red roof on a green house" and "a green roof on a red house" are
one to it (clauses, see `clauses`, keep them apart). Words that are not in the table are pieced together from their
letters, which finds plurals and spellings and little else. Made by `distil`.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load_file

from cutaway.naming.clauses import WORD, clauses
from cutaway.naming.encoders import Embeddings, unit_rows

FILE = Path(__file__).parent / "data" / "encoder.safetensors"
GRAMS = 2048
DENIED = 1.0  # weight of what is denied, beside what is stated


@dataclass(frozen=True)
class WordVectors:
    """Vectors of words and of letter groups; `encode` gives twice their width: what is stated, and what is denied."""

    words: dict[str, int]
    vectors: Float[np.ndarray, "words width"]
    grams: Float[np.ndarray, "grams width"]
    name: str = "shipped"

    @classmethod
    @functools.cache
    def shipped(cls) -> WordVectors:
        """The table in the package."""
        kept = load_file(FILE)
        words = bytes(kept["words"]).decode().split("\n")
        return cls(
            {word: i for i, word in enumerate(words)},
            kept["vectors"].astype(np.float32) * kept["vector_scales"].astype(np.float32)[:, None],
            kept["grams"].astype(np.float32) * kept["gram_scales"].astype(np.float32)[:, None],
        )

    def encode(self, texts: Sequence[str], /) -> Embeddings:
        """Unit vectors; zeros for a text without words."""
        width = self.vectors.shape[1]
        found = np.zeros((len(texts), 2 * width), np.float32)
        for row, text in zip(found, texts, strict=True):
            for clause in clauses(text):
                half = slice(width, None) if clause.denied else slice(width)
                row[half] += (DENIED if clause.denied else 1.0) * sum(map(self.word, clause.text.split()))
            if not row.any():
                row[:width] = sum(
                    (self.word(word) for word in WORD.findall(text.lower()) if word[0].isalnum()), np.zeros(width)
                )
        return unit_rows(found)

    def word(self, word: str) -> Float[np.ndarray, " width"]:
        """The vector of a word, from its letters where it is not in the table; hyphens join words."""
        number = self.words.get(word)
        if number is not None:
            known: np.ndarray = self.vectors[number]
            return known
        pieces = word.replace("’", "'").replace("'", "-").split("-")
        if len(pieces) > 1:
            joined: np.ndarray = np.sum([self.word(piece) for piece in pieces if piece], axis=0)
            return joined
        found: np.ndarray = self.grams[list(letters(word))].mean(axis=0)
        return found


def letters(word: str) -> Iterator[int]:
    """The numbers of a word's groups of three to five letters, its ends marked."""
    marked = f"<{word}>"
    for size in (3, 4, 5):
        for start in range(max(1, len(marked) - size + 1)):
            yield zlib.crc32(marked[start : start + size].encode()) % GRAMS

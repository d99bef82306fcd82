"""How the shipped text encoder was made: word vectors that add up to what MiniLM says of phrases.

    python -m cutaway.naming.distil --out encoder.safetensors

Words: the most frequent whole words of MiniLM's own table, and those of the shipped vocabulary and of PartWorld's
captions. Each starts as MiniLM's vector of the word alone, on the first principal directions; then all are moved, by
least squares, so that sums of words meet MiniLM's vectors of whole phrases. Letter groups are fitted to the words by
ridge regression. No text but the vocabulary and PartWorld's captions, which are our own, is read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import cg

from cutaway.core.cache import write_atomically
from cutaway.data.partworld import captions, sample_scene
from cutaway.naming.clauses import JOINTS, said
from cutaway.naming.encoders import unit_rows
from cutaway.naming.minilm import MiniLM
from cutaway.naming.vocabulary import shipped
from cutaway.naming.wordvectors import FILE, GRAMS, letters

FREQUENT = 9_500
WIDTH = 128
SCENES = 1_500
STAY = 0.3  # how much a word wants to stay what it is alone, in units of one phrase


def main() -> None:
    """Distil and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FILE)
    out: Path = parser.parse_args().out
    teacher = MiniLM.installed()
    phrases = sorted({*shipped(), *_told()})
    words = _words(teacher, phrases)
    alone, together = teacher.encode(words), teacher.encode(phrases)
    directions = np.linalg.svd(np.concatenate([alone, together]).astype(np.float64), full_matrices=False)[2][:WIDTH].T
    start = unit_rows(alone @ directions.astype(np.float32))
    vectors = moved(start, counts(words, phrases), together @ directions.astype(np.float32))
    grams = spelled(words, vectors)
    tensors = {"words": np.frombuffer("\n".join(words).encode(), np.uint8)}
    for name, table in (("vector", vectors), ("gram", grams)):
        scales = np.abs(table).max(axis=1) / 127 + 1e-8
        tensors |= {
            f"{name}s": np.round(table / scales[:, None]).astype(np.int8),
            f"{name}_scales": scales.astype(np.float16),
        }
    write_atomically(out, lambda beside: save_file(tensors, beside))


def counts(words: Sequence[str], phrases: Sequence[str]) -> csr_matrix:
    """Which words make up which phrase, each phrase's weights of length one."""
    where = {word: i for i, word in enumerate(words)}
    rows = [[where[word] for word in phrase.split() if word in where] for phrase in phrases]
    values = np.concatenate([np.full(len(row), len(row) ** -0.5) for row in rows if row])
    return csr_matrix(
        (values, (np.repeat(range(len(rows)), list(map(len, rows))), np.concatenate(rows).astype(int))),
        shape=(len(phrases), len(words)),
    )


def moved(
    start: Float[np.ndarray, "words width"], made_of: csr_matrix, goals: Float[np.ndarray, "phrases width"]
) -> Float[np.ndarray, "words width"]:
    """The words' vectors whose sums come nearest to the phrases' goals, kept near where they start."""
    matrix = made_of.T @ made_of + STAY * identity(len(start))
    wanted = made_of.T @ (goals - made_of @ start)
    steps = [cg(matrix, wanted[:, axis], rtol=1e-4)[0] for axis in range(start.shape[1])]
    found: np.ndarray = start + np.stack(steps, axis=1)
    return found.astype(np.float32)


def spelled(words: Sequence[str], vectors: Float[np.ndarray, "words width"]) -> Float[np.ndarray, "grams width"]:
    """Vectors of letter groups whose means over a word come nearest to the word's."""
    inputs = np.zeros((len(words), GRAMS), np.float32)
    for row, word in zip(inputs, words, strict=True):
        found = list(letters(word))
        np.add.at(row, found, 1 / len(found))
    gram = inputs.T @ inputs
    gram += 0.02 * np.trace(gram) / GRAMS * np.eye(GRAMS, dtype=np.float32)
    solved: np.ndarray = np.linalg.solve(gram, inputs.T @ vectors)
    return solved


def _told() -> set[str]:
    """What PartWorld's captions say, clause by clause."""
    scenes = (sample_scene(5, index, "train") for index in range(SCENES))
    return {form.text for index, scene in enumerate(scenes) for form in said(captions(scene, index))}


def _words(teacher: MiniLM, phrases: Sequence[str]) -> list[str]:
    """Ours, then the teacher's whole words; its table lists frequent ones first."""
    ours = sorted({word for phrase in phrases for word in phrase.lower().split()})
    known = (word for word in teacher.numbers if word.isalpha() and word.isascii() and len(word) > 2)
    frequent = [word for word in known if word not in JOINTS][:FREQUENT]
    return list(dict.fromkeys([*ours, *frequent]))


if __name__ == "__main__":
    main()

"""Text encoders: text in, one vector of length one for each; one protocol for the shipped one and for real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from cutaway.core.errors import OptionError, suggestion

Embeddings = Float[np.ndarray, "texts width"]


@runtime_checkable
class TextEncoder(Protocol):
    """Anything with a name whose `encode` turns texts into rows of length one (zero for no words)."""

    @property
    def name(self) -> str: ...

    def encode(self, texts: Sequence[str], /) -> Embeddings: ...


def open_encoder(spec: str) -> TextEncoder:
    """The encoder of a spec: "shipped", "minilm", or "hf:FOLDER" for a CLIP or SigLIP kept in a folder.

    Raises OptionError for another spec, MissingExtraError where the optional part is not installed.
    """
    kind, _, place = spec.partition(":")
    if kind not in ENCODERS or (kind == "hf") != bool(place):
        known = "shipped, minilm, hf:FOLDER"
        raise OptionError(f'no text encoder "{spec}"; expected one of {known}{suggestion(spec, ENCODERS)}')
    return ENCODERS[kind](place)


class Remembering:
    """An encoder that encodes every text once; names of thousands of units are asked for again and again."""

    def __init__(self, encoder: TextEncoder) -> None:
        self.inner, self.name = encoder, encoder.name
        self._rows: dict[str, int] = {}
        self._table = np.zeros((0, 0), np.float32)

    def encode(self, texts: Sequence[str], /) -> Embeddings:
        """The vectors, from memory where they are there."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if new or not len(self._table):
            found = self.inner.encode(new or [""])
            self._table = np.concatenate([self._table, found]) if len(self._table) else found
            self._rows |= {text: len(self._table) - len(found) + i for i, text in enumerate(new)}
        return self._table[[self._rows[text] for text in texts]]


def unit_rows(vectors: Float[np.ndarray, "rows width"]) -> Float[np.ndarray, "rows width"]:
    """Rows scaled to length one; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: np.ndarray = vectors / np.where(lengths > 0, lengths, 1.0)
    return scaled.astype(np.float32)


def _shipped(place: str) -> TextEncoder:
    from cutaway.naming.wordvectors import WordVectors

    return WordVectors.shipped()


def _minilm(place: str) -> TextEncoder:
    from cutaway.naming.minilm import MiniLM

    return MiniLM.installed()


def _hub(place: str) -> TextEncoder:
    from cutaway.naming.image_text import ImageText

    return ImageText.load(place)


ENCODERS: Mapping[str, Callable[[str], TextEncoder]] = {"shipped": _shipped, "minilm": _minilm, "hf": _hub}

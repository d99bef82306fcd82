"""Pictures looked at instead of captions read: what an image tower makes of them, where there are no words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from cutaway.core.errors import OptionError
from cutaway.naming.clauses import Clause
from cutaway.naming.encoders import Embeddings, TextEncoder
from cutaway.naming.sightings import Sightings

SHARPNESS = 0.02
"""A picture whose cosine with a phrase is this much below the best one's counts as 1/e of a sighting.

CLIP's cosines lie close together; its own temperature is half of this.
"""


@runtime_checkable
class ImageTower(TextEncoder, Protocol):
    """A text encoder that sees pictures in the same space."""

    def see(self, batches: Iterable[Tensor], /) -> Embeddings: ...


@dataclass(frozen=True)
class Looked:
    """One vector of length one for each picture, in the space of the encoder's texts."""

    vectors: Embeddings

    def __len__(self) -> int:
        return len(self.vectors)

    def means(self) -> Embeddings:
        """The vectors, as captions would be averaged."""
        return self.vectors

    def of(self, picture: int) -> tuple[Clause, ...]:
        """Nothing: no caption says anything of a picture."""
        return ()

    def cosines(self, phrases: Sequence[str], encoder: TextEncoder) -> Sightings:
        """How alike every picture and every phrase are."""
        found: Sightings = self.vectors @ encoder.encode(phrases).T
        return found


def look(batches: Iterable[Tensor], encoder: TextEncoder) -> Looked:
    """Pictures in [0, 1] through the encoder's image tower. Raises OptionError for an encoder that has none."""
    if not isinstance(encoder, ImageTower):
        raise OptionError(
            f'the text encoder "{encoder.name}" sees no pictures; expected one with an image tower, or captions; '
            "try --encoder hf:FOLDER"
        )
    return Looked(encoder.see(batches))


def sharpened(cosines: Sightings) -> Sightings:
    """Cosines as sightings: 1 for the picture that a phrase is nearest to."""
    found: Sightings = np.exp((cosines - cosines.max(axis=0)) / SHARPNESS)
    return found

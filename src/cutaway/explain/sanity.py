"""The sanity check of randomised weights: does a map show what the network learned, or only the picture?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.attribution import METHODS, Attribution
from cutaway.core.cache import remember
from cutaway.core.errors import CutawayError
from cutaway.core.types import Pictures
from cutaway.metrics.correlation import rank_correlation
from cutaway.metrics.sanity import THRESHOLD, shuffled
from cutaway.nets.model import Model
from cutaway.report.schema import Sanity

Options = Mapping[str, "str | int | float | tuple[int, int] | None"]


@dataclass(frozen=True)
class SanityCheck:
    """Compares maps of one network with those of the same network whose weights were shuffled.

    What `metrics.sanity_check` does, but with one shuffled copy for all methods, and kept on disk.
    """

    model: Model
    seed: int = 0

    @cached_property
    def blank(self) -> Model | nn.Module:
        """The network that knows nothing."""
        return shuffled(self.model, self.seed)

    def __call__(self, found: Attribution, pictures: Pictures, options: Options) -> Sanity | None:
        """The check of one map of one picture; None where the shuffled network has no map. Kept on disk."""
        versus = None if found.versus is None else int(found.versus[0])
        question = {
            "cutaway": version("cutaway"),
            "network": repr(self.model.module),
            "weights": self.model.weights_hash(),
            "preprocess": repr(self.model.preprocess),
            "picture": hashlib.sha256(pictures.cpu().contiguous().numpy().tobytes()).hexdigest(),
            "method": found.method,
            "options": {name: value for name, value in options.items() if name != "batch_size"},
            "asked": [int(found.target[0]), versus],
            "seed": self.seed,
        }

        def answer() -> dict[str, Tensor]:
            other = self._other(found, pictures, versus, options)
            return {"correlation": torch.tensor(float("nan") if other is None else other, dtype=torch.float64)}

        correlation = float(remember("sanity", question, answer)["correlation"])
        if not np.isfinite(correlation):
            return None
        return Sanity(correlation=correlation, threshold=THRESHOLD, passed=abs(correlation) <= THRESHOLD)

    def _other(self, found: Attribution, pictures: Pictures, versus: int | None, options: Any) -> float | None:
        try:
            other = METHODS[found.method](self.blank, pictures, int(found.target[0]), versus=versus, **options)
        except CutawayError:
            return None
        return rank_correlation(_magnitudes(found.values), _magnitudes(other.values))


def _magnitudes(values: Tensor) -> Float[np.ndarray, " n"]:
    """The magnitude of each place of the first map, colours added up."""
    field = values[0].detach().cpu().double()
    return (field.sum(dim=0) if field.ndim == 3 else field).abs().flatten().numpy()

"""Is a name better than the best of thousands would be by chance? Shuffled captions say, and control over all units.

Whoever looks for the best of thousands of phrases finds one that fits somewhat. So a name's score is held against
what the best phrase reaches when every picture has another one's captions: the maxima of a few shuffles, and Gumbel's
law for the tail beyond them. Sources: Westfall & Young 1993 (maxima); Gumbel 1958; Benjamini & Hochberg 1995 (false
discoveries).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float

from cutaway.core.devices import fast_bfloat16
from cutaway.naming.scoring import Activations
from cutaway.naming.sightings import Sightings

SHUFFLES = 40
EULER = 0.5772156649


def null_maxima(
    activations: Activations, seen: Sightings, seed: int = 0, shuffles: int = SHUFFLES
) -> Float[np.ndarray, "shuffles units"]:
    """The best correlation of every unit with any phrase, captions shuffled: the same shuffle for all units.

    Both are standardised. Products are taken in bfloat16 where that is quick: chance needs no more than three digits.
    """
    draw = np.random.default_rng((seed, 23))
    kind = torch.bfloat16 if fast_bfloat16("cpu") else torch.float32
    units, phrases = torch.from_numpy(activations).to(kind), torch.from_numpy(seen).to(kind)
    orders = [torch.from_numpy(draw.permutation(len(activations))) for _ in range(shuffles)]
    return np.stack([(units[order].T @ phrases).amax(dim=1).float().numpy() for order in orders])


def p_values(
    scores: Float[np.ndarray, " units"], maxima: Float[np.ndarray, "shuffles units"]
) -> Float[np.ndarray, " units"]:
    """How likely a maximum at least as high is by chance, by Gumbel's law with the moments of each unit's maxima."""
    return tail(scores, maxima.mean(axis=0), maxima.std(axis=0, ddof=1))


def tail(
    scores: Float[np.ndarray, " units"], means: Float[np.ndarray, " units"], spreads: Float[np.ndarray, " units"]
) -> Float[np.ndarray, " units"]:
    """The upper tail of Gumbel's law of a given mean and standard deviation; 1 where nothing varies."""
    scale = np.maximum(spreads, 1e-9) * np.sqrt(6) / np.pi
    found: np.ndarray = -np.expm1(-np.exp(-np.clip((scores - means) / scale + EULER, -700, 700)))
    return np.where(spreads > 0, found, 1.0).astype(np.float64)


def discovered(p: Float[np.ndarray, " units"], rate: float = 0.05) -> Bool[np.ndarray, " units"]:
    """Which of the units may count as found, so that at most `rate` of those found are expected to be chance."""
    order = np.argsort(p)
    below = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / max(1, len(p)))
    found = np.zeros(len(p), bool)
    found[order[: below[-1] + 1 if len(below) else 0]] = True
    return found

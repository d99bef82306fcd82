"""How well a phrase names a unit: one function per method, from what was seen where and when the unit fired.

A method is `method(evidence, phrases) -> (units, phrases)`, higher is better; a user's function of that form works too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cutaway.core.errors import choose
from cutaway.naming.encoders import Embeddings
from cutaway.naming.sightings import Sightings

Activations = Float[np.ndarray, "pictures units"]
Scores = Float[np.ndarray, "units phrases"]

RIDGE = 1.0  # times the mean variance of an embedding's numbers, per picture
CENTRES = 300
DISCOUNT = 0.6  # softWPMI's lambda
TOP = 100  # pictures that softWPMI looks at


@dataclass(frozen=True)
class Evidence:
    """What a method may look at: activations, each picture's captions as one mean vector, phrases seen and embedded.

    `seen` are sharpened sightings, `cosines` the bare ones that they come from.
    """

    activations: Activations
    captions: Float[np.ndarray, "pictures width"]
    seen: Sightings
    cosines: Sightings
    vectors: Embeddings


Method = Callable[[Evidence], Scores]


def standardised(columns: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Columns with mean zero and length one, so that products of two are correlations; constant ones become zero."""
    centred = columns - columns.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(centred, axis=0)
    least = 1e-6 * (np.abs(columns).max(axis=0, initial=0.0) + 1e-30) * np.sqrt(len(columns))
    scaled: np.ndarray = np.where(lengths > least, centred / np.maximum(lengths, 1e-30), 0.0)
    return scaled.astype(np.float32)


def correlation(evidence: Evidence) -> Scores:
    """Pearson's correlation of a unit's activation with how surely a phrase is seen: the simulated with the real."""
    found: np.ndarray = standardised(evidence.activations).T @ standardised(evidence.seen)
    return found


def ridge(evidence: Evidence) -> Scores:
    """The adaptor: a width x units matrix that maps captions to activations, in closed form; applied to the phrases."""
    adaptor, mean = fit_adaptor(evidence.captions, evidence.activations)
    return _comparable((evidence.vectors - mean) @ adaptor)


def kernel_ridge(evidence: Evidence) -> Scores:
    """The adaptor bent: a Gaussian kernel on some captions as centres, for what no straight map of a vector can say."""
    centres = evidence.captions[:: max(1, len(evidence.captions) // CENTRES)][:CENTRES]
    width = float(np.median(_distances(centres, centres))) or 1.0

    def bent(vectors: Embeddings) -> Float[np.ndarray, "texts centres"]:
        lifted: np.ndarray = np.exp(-_distances(vectors, centres) / width).astype(np.float32)
        return lifted

    adaptor, mean = fit_adaptor(bent(evidence.captions), evidence.activations)
    return _comparable((bent(evidence.vectors) - mean) @ adaptor)


def soft_wpmi(evidence: Evidence) -> Scores:
    """Soft weighted pointwise mutual information of a phrase with the pictures that a unit fires on most.

    With cosines as the similarities. Source: Oikarinen & Weng 2023 (CLIP-Dissect), eq. 4-6, with their constants.
    """
    logits = 10 * evidence.cosines
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    top = min(TOP, len(shares))
    order = np.argsort(-evidence.activations, axis=0, kind="stable")[:top]
    weights = np.linspace(0.998, 0.97, top, dtype=np.float32)[:, None]
    prior = np.log(shares.mean(axis=0) + 1e-12)
    rows = [np.log(1 + weights * (shares[order[:, unit]] - 1) + 1e-12).sum(axis=0) for unit in range(order.shape[1])]
    found: np.ndarray = np.stack(rows) - DISCOUNT * prior
    return found.astype(np.float32)


METHODS: Mapping[str, Method] = {
    "correlation": correlation,
    "ridge": ridge,
    "kernel ridge": kernel_ridge,
    "soft_wpmi": soft_wpmi,
}


def method_of(given: str | Method) -> Method:
    """The method of a name, or the function itself."""
    return METHODS[choose(given, METHODS, "naming method")] if isinstance(given, str) else given


def fit_adaptor(
    captions: Float[np.ndarray, "pictures width"], activations: Activations
) -> tuple[Float[np.ndarray, "width units"], Float[np.ndarray, " width"]]:
    """The ridge regression of standardised activations on centred caption vectors, and the captions' mean."""
    mean = captions.mean(axis=0)
    inputs = (captions - mean).astype(np.float64)
    gram = inputs.T @ inputs
    gram += RIDGE * (np.trace(gram) / len(gram) + 1e-12) * np.eye(len(gram))
    adaptor: np.ndarray = np.linalg.solve(gram, inputs.T @ standardised(activations))
    return adaptor.astype(np.float32), mean


def _comparable(predicted: Float[np.ndarray, "phrases units"]) -> Scores:
    """Standard scores over the phrases of each unit."""
    spread = predicted.std(axis=0)
    found: np.ndarray = ((predicted - predicted.mean(axis=0)) / np.where(spread > 0, spread, 1)).T
    return found.astype(np.float32)


def _distances(
    some: Float[np.ndarray, "some width"], others: Float[np.ndarray, "others width"]
) -> Float[np.ndarray, "some others"]:
    found: np.ndarray = (some**2).sum(1)[:, None] + (others**2).sum(1)[None] - 2 * some @ others.T
    return found.clip(0)

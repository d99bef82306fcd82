"""Factorization: activations as a few directions over channels, each with the places where it is present."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

RESTARTS = 4
"""Random starts beside the one from the singular vectors: the best of all is kept, the others say how stable it is."""

_MOST = 500  # iterations of each start


@dataclass(frozen=True)
class Factorization:
    """activations ~ where @ what, with where >= 0 and rows of `what` of norm 1.

    error: norm of what is left over, as a share of the norm of the activations. errors: of all starts, best first.
    stability: mean cosine of each direction with its partner in the other starts (1 = every start finds the same).
    """

    where: Float[np.ndarray, "places groups"]
    what: Float[np.ndarray, "groups channels"]
    error: float
    errors: tuple[float, ...]
    stability: float


def factorize(
    activations: Float[np.ndarray, "places channels"], groups: int, *, seed: int = 0, restarts: int = RESTARTS
) -> Factorization:
    """Non-negative matrix factorization, the best of several starts, largest group first.

    Where activations are negative too (transformers, ConvNeXt), positive and negative parts count as channels of
    their own, so that a direction may have both signs and still is present to some degree at each place.
    Lee and Seung 1999, "Learning the parts of objects by non-negative matrix factorization".
    """
    signed = bool((activations < 0).any())
    parts = np.concatenate([activations.clip(0), (-activations).clip(0)], axis=1) if signed else activations
    draws = np.random.SeedSequence(seed).generate_state(restarts)
    starts = [("nndsvda", seed), *(("random", int(draw)) for draw in draws)]
    found = sorted((_fit(activations, parts, groups, *start) for start in starts), key=lambda each: each[0])
    error, where, what = found[0]
    order = np.argsort(-(where**2).sum(axis=0), kind="stable")
    others = [agreement(what, other) for _, _, other in found[1:]]
    return Factorization(
        where=where[:, order],
        what=what[order],
        error=error,
        errors=tuple(each[0] for each in found),
        stability=float(np.mean(others)) if others else 1.0,
    )


def agreement(some: Float[np.ndarray, "groups channels"], other: Float[np.ndarray, "groups channels"]) -> float:
    """The mean cosine of directions (rows of norm 1) with their partners, matched so that it is largest."""
    from scipy.optimize import linear_sum_assignment

    cosines = some @ other.T
    rows, columns = linear_sum_assignment(-cosines)
    return float(cosines[rows, columns].mean())


def _fit(
    activations: Float[np.ndarray, "places channels"],
    parts: Float[np.ndarray, "places parts"],
    groups: int,
    start: str,
    seed: int,
) -> tuple[float, Float[np.ndarray, "places groups"], Float[np.ndarray, "groups channels"]]:
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the error of what was found is reported
        model = NMF(groups, init=start, random_state=seed % 2**32, max_iter=_MOST)
        where = model.fit_transform(parts)
    channels = activations.shape[1]
    what = model.components_[:, :channels].copy()
    if parts.shape[1] > channels:
        what -= model.components_[:, channels:]
    norms = np.linalg.norm(what, axis=1)
    where, what = where * norms, what / np.where(norms > 0, norms, 1)[:, None]
    left = np.linalg.norm(activations - where @ what) / np.linalg.norm(activations)
    return float(left), where, what

"""Projections: every picture of a store as a point in the plane, near those that a layer answered alike."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from cutaway.core.cache import write_atomically
from cutaway.core.errors import StoreError
from cutaway.core.seeds import generator

FOLDER = "projections"
SAMPLE = 4096
"""Pictures from which the principal components are taken; the others are projected onto them."""

LANDMARKS, PERPLEXITY, STEPS = 2000, 30.0, 500
NEAREST = 3
"""Landmarks between which every other picture is placed in a t-SNE map."""

Say = Callable[[int, int], None]


class StoppedError(Exception):
    """The one who asked for a projection does not want it any more."""


@dataclass(frozen=True)
class Projection:
    """points: one per picture, NaN where it could not be read; centred, the longer side from -1 to 1."""

    layer: str
    method: str
    seed: int
    points: Float32[np.ndarray, "n 2"]


def pca(values: Float[Tensor, "n channels"], seed: int, say: Say, stop: Callable[[], bool]) -> Float[Tensor, "n 2"]:
    """The two directions of most variance. Each points to where its largest part is positive, so that maps repeat."""
    return _components(values, seed, 2)


def tsne(values: Float[Tensor, "n channels"], seed: int, say: Say, stop: Callable[[], bool]) -> Float[Tensor, "n 2"]:
    """t-SNE (van der Maaten and Hinton 2008) of up to 2,000 pictures; the others lie between their 3 nearest ones.

    Exact, from the principal components, with early exaggeration and momentum; `say` hears of every tenth step.
    """
    draw = generator(seed, "landmarks")
    chosen = torch.randperm(len(values), generator=draw)[:LANDMARKS].sort().values
    reduced = _components(values, seed, min(50, *values.shape))
    shares = _neighbourhoods(torch.cdist(reduced[chosen], reduced[chosen]) ** 2, min(PERPLEXITY, (len(chosen) - 1) / 3))
    points = reduced[chosen, :2] / reduced[chosen, 0].std().clamp_min(1e-9) * 1e-2
    speed, gains = torch.zeros_like(points), torch.ones_like(points)
    rate = max(len(chosen) / 48, 50.0)
    for step in range(STEPS):
        early = step < STEPS // 4
        slope = _slope(points, shares * (12 if early else 1))
        gains = torch.where(slope.sign() != speed.sign(), gains + 0.2, gains * 0.8).clamp_min(0.01)
        speed = (0.5 if early else 0.8) * speed - rate * gains * slope
        points = points + speed
        if step % 10 == 9:
            say(step + 1, STEPS)
            if stop():
                raise StoppedError
    return _between(reduced, chosen, points)


METHODS: Mapping[str, Callable[[Tensor, int, Say, Callable[[], bool]], Tensor]] = {"pca": pca, "tsne": tsne}


def known_projection(
    store: Path,
    layer: str,
    method: str,
    seed: int,
    values: Callable[[], Float32[np.ndarray, "n channels"]],
    say: Say | None,
    stop: Callable[[], bool] | None,
) -> Projection:
    """The projection from the store's folder, or made now and kept there if that can be written."""
    file = file_of(store, layer, method, seed)
    points = _kept(file)
    if points is None:
        points = project(values(), method, seed, say, stop)
        with contextlib.suppress(OSError):  # a store that cannot be written still answers
            write_atomically(file, partial(_save, points))
    return Projection(layer, method, seed, points)


def file_of(store: Path, layer: str, method: str, seed: int) -> Path:
    """Where a projection is kept."""
    name = hashlib.sha256(f"{layer}\n{method}\n{seed}".encode()).hexdigest()[:24]
    return store / FOLDER / f"{name}.npz"


def project(
    values: Float32[np.ndarray, "n channels"],
    method: str,
    seed: int = 0,
    say: Say | None = None,
    stop: Callable[[], bool] | None = None,
) -> Float32[np.ndarray, "n 2"]:
    """Points in the plane for rows of values; rows with NaN get NaN."""
    seen = ~np.isnan(values).any(axis=1)
    if seen.sum() < 3:
        raise StoreError(f"{int(seen.sum())} pictures could be read; expected at least 3 for a map")
    rows = torch.from_numpy(values[seen])
    flat = METHODS[method](rows - rows.mean(dim=0), seed, say or (lambda done, of: None), stop or (lambda: False))
    flat = flat - (flat.amax(dim=0) + flat.amin(dim=0)) / 2
    points = np.full((len(values), 2), np.nan, dtype=np.float32)
    points[seen] = (flat / flat.abs().max().clamp_min(1e-12)).numpy()
    return points


def _components(values: Float[Tensor, "n channels"], seed: int, count: int) -> Float[Tensor, "n count"]:
    sample = values[torch.randperm(len(values), generator=generator(seed, "components"))[:SAMPLE].sort().values]
    _, directions = torch.linalg.eigh((sample.T @ sample).double())
    chosen = directions[:, -count:].flip(1).float()
    chosen = chosen * chosen.gather(0, chosen.abs().argmax(dim=0, keepdim=True)).sign()
    flat = values @ chosen
    return flat if flat.shape[1] >= 2 else torch.cat([flat, torch.zeros(len(flat), 1)], dim=1)


def _neighbourhoods(distances: Float[Tensor, "n n"], perplexity: float) -> Float[Tensor, "n n"]:
    """How near each landmark is to each other: Gaussians as wide as gives each the same perplexity, by bisection."""
    distances = distances / distances.mean().clamp_min(1e-12)
    low, high = torch.full((len(distances), 1), 1e-6), torch.full((len(distances), 1), 1e6)
    diagonal = torch.eye(len(distances), dtype=torch.bool)
    for _ in range(40):
        precision = (low * high).sqrt()
        shares = (-distances * precision).masked_fill(diagonal, -torch.inf).softmax(dim=1)
        entropy = -(shares * shares.clamp_min(1e-30).log()).sum(dim=1, keepdim=True)
        wide = entropy > float(np.log(perplexity))
        low, high = torch.where(wide, precision, low), torch.where(wide, high, precision)
    return (shares + shares.T) / (2 * len(shares))


def _slope(points: Float[Tensor, "n 2"], shares: Float[Tensor, "n n"]) -> Float[Tensor, "n 2"]:
    near = 1 / (1 + torch.cdist(points, points) ** 2)
    near.fill_diagonal_(0)
    pull = (shares - near / near.sum()) * near
    return 4 * (pull.sum(dim=1, keepdim=True) * points - pull @ points)


def _between(reduced: Float[Tensor, "n k"], chosen: Tensor, points: Float[Tensor, "m 2"]) -> Float[Tensor, "n 2"]:
    flat = torch.empty(len(reduced), 2)
    for block in torch.arange(len(reduced)).split(4096):
        distances, nearest = torch.cdist(reduced[block], reduced[chosen]).topk(min(NEAREST, len(chosen)), largest=False)
        weights = 1 / (distances + 1e-6)
        flat[block] = (points[nearest] * (weights / weights.sum(dim=1, keepdim=True))[..., None]).sum(dim=1)
    flat[chosen] = points
    return flat


def _kept(file: Path) -> Float32[np.ndarray, "n 2"] | None:
    """The points in a file, or None where it is absent or damaged: every member of a zip file has a checksum."""
    try:
        with np.load(file, allow_pickle=False) as found:
            points: np.ndarray = found["points"]
            return points
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def _save(points: np.ndarray, path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, points=points)

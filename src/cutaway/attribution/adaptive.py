"""The integral along a path to within a tolerance: new points go where the pieces between the old ones err most."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from cutaway.attribution.path import Path, total
from cutaway.attribution.quadrature import Positions, Rule, Sampled
from cutaway.attribution.scores import LEAST_PASS, Inputs, pass_size

START = 7
"""Points that the rule places; both ends are added to them."""


def adaptive(
    path: Path, rule: Rule, tolerance: float, max_steps: int, batch_size: int | None
) -> tuple[Inputs, Int[Tensor, " batch"]]:
    """The integral on the way to each input, and how many gradients it took.

    The inputs are taken a few at a time, and the gradients of those few are kept until their weights are known.
    """
    size = pass_size(batch_size, max(LEAST_PASS, len(path.end)))
    first = np.union1d(rule(START)[0], [0.0, 1.0])
    integrals, counts = [], []
    for few in torch.arange(len(path.end)).split(max(1, size // 4)):
        walks = {row: Walk() for row in few.tolist()}
        wanted = dict.fromkeys(walks, first)
        while wanted:
            _visit(path, walks, wanted, size)
            wanted = {row: walks[row].next(tolerance, max_steps) for row in wanted}
            wanted = {row: positions for row, positions in wanted.items() if len(positions)}
        integrals += [walk.integral() for walk in walks.values()]
        counts += [len(walk.shares) for walk in walks.values()]
    return torch.stack(integrals), torch.tensor(counts)


class Walk:
    """What has been found on one path so far, in the order in which it was found."""

    def __init__(self) -> None:
        self.shares: list[Tensor] = []
        self._points: list[tuple[float, float, float]] = []  # position, score, slope
        self._changes: dict[tuple[int, int], float] = {}  # between two points that are or were neighbours

    def add(self, position: float, score: float, slope: float, share: Tensor) -> None:
        """One more point: the gradient times the way, and what it adds up to, the slope."""
        self._points.append((position, score, slope))
        self.shares.append(share)

    def next(self, tolerance: float, most: int) -> Positions:
        """Where to look next; nowhere once the errors are below the tolerance, or `most` points are known."""
        known = self._sampled()
        if known.settled(tolerance):
            return np.empty(0)
        return known.refinements(most - len(self._points))

    def integral(self) -> Tensor:
        """The shares, added up by their weights."""
        result = torch.zeros_like(self.shares[0])
        for index, weight in zip(self._order(), self._sampled().weights(), strict=True):
            result.add_(self.shares[index], alpha=float(weight))
        return result

    def _order(self) -> list[int]:
        return sorted(range(len(self._points)), key=lambda index: self._points[index])

    def _sampled(self) -> Sampled:
        order = self._order()
        changes = np.array([self._change(pair) for pair in itertools.pairwise(order)])
        positions, scores, slopes = np.array([self._points[index] for index in order]).T
        return Sampled(positions, scores, slopes, changes)

    def _change(self, pair: tuple[int, int]) -> float:
        if pair not in self._changes:
            self._changes[pair] = float((self.shares[pair[1]] - self.shares[pair[0]]).norm())
        return self._changes[pair]


def _visit(path: Path, walks: Mapping[int, Walk], wanted: Mapping[int, Positions], size: int) -> None:
    """Adds to each walk the points that are wanted of it, `size` points of all walks in one pass."""
    rows = torch.tensor([row for row, positions in wanted.items() for _ in positions])
    positions = np.concatenate(list(wanted.values()))
    for some in torch.arange(len(rows)).split(size):
        shares, scores = path.shares(rows[some], positions[some.numpy()])
        for index, score, slope, share in zip(
            some.tolist(), scores.tolist(), total(shares).tolist(), shares, strict=True
        ):
            walks[int(rows[index])].add(float(positions[index]), score, slope, share)

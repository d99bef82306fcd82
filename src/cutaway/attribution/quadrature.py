"""Quadrature along a path: where to ask for the gradient, and how much each answer counts.

The integral of the slope of a score over any piece of the path is known beforehand: it is the difference of the scores
at the ends of the piece. So the error of every piece is known exactly, for the price of the scores that come with the
gradients anyway, and new points go where the error is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from cutaway.core.errors import OptionError, choose

Positions: TypeAlias = Float[np.ndarray, " points"]
"""Places on the path, from 0 (baseline) to 1 (input)."""

Pieces: TypeAlias = Float[np.ndarray, " pieces"]
"""One number for each piece between neighbouring positions."""

Rule: TypeAlias = "Callable[[int], tuple[Positions, Positions]]"
"""How many points -> where they lie in [0, 1], and their weights, which add up to 1."""

FINEST = 2.0**-20
"""Intervals are not halved below this length: pictures in float32 that lie closer are hardly different."""


def gauss_legendre(steps: int) -> tuple[Positions, Positions]:
    """Exact for polynomials of degree 2 steps - 1."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2


def midpoint(steps: int) -> tuple[Positions, Positions]:
    """The middles of equal pieces."""
    return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)


def trapezoid(steps: int) -> tuple[Positions, Positions]:
    """Evenly spaced from end to end, the ends counting half."""
    if steps < 2:
        raise OptionError(f"steps is {steps}; expected at least 2 for the trapezoid rule, which needs both ends")
    weights = np.full(steps, 1 / (steps - 1))
    weights[[0, -1]] /= 2
    return np.linspace(0, 1, steps), weights


RULES: Mapping[str, Rule] = {"gauss-legendre": gauss_legendre, "midpoint": midpoint, "trapezoid": trapezoid}
"""Every rule by its name."""


def rule_of(rule: str | Rule) -> Rule:
    """The rule of that name, or the function itself."""
    return RULES[choose(rule, RULES, "rule")] if isinstance(rule, str) else rule


@dataclass(frozen=True)
class Sampled:
    """What is known along one path, at sorted positions of which the first is 0 and the last 1: scores, slopes
    (derivative of the score by the position), and how much the gradient (times the way) changes over each piece
    between two neighbouring points."""

    positions: Positions
    scores: Positions
    slopes: Positions
    changes: Pieces

    def weights(self) -> Positions:
        """How much each point counts: by the cubic spline through the slopes, or by straight lines between them.

        The spline suits networks that bend, straight lines those with kinks; whichever leaves the smaller errors over
        the pieces, added up without their signs.
        """
        each: Positions = _INTEGRALS[self._better()](self.positions, np.eye(len(self.positions))).sum(axis=0)
        return each

    def errors(self) -> Pieces:
        """Of each piece: its integral of the slope minus the difference of the scores at its ends."""
        return self._errors(self._better())

    def settled(self, tolerance: float) -> bool:
        """Whether the errors add up to less than the tolerance (a share of the difference of the scores), and would if
        their signs were drawn at random: a sum of large errors that cancel by luck is no proof of a good integral."""
        allowed = tolerance * abs(self.scores[-1] - self.scores[0])
        errors = self.errors()
        return bool(abs(errors.sum()) <= allowed and np.linalg.norm(errors) <= allowed)

    def refinements(self, most: int) -> Positions:
        """The middles of the worst pieces, an eighth as many as there are points; none if all are as short as may be.

        Worst by what the piece does to the sum (its error) and to the single values (its length times the change of
        the gradient over it), each as a share of its norm over all pieces.
        """
        lengths = np.diff(self.positions)
        badness = _shares(self.errors()) + _shares(lengths * self.changes)
        halvable = np.flatnonzero(lengths > FINEST)
        count = min(most, max(1, len(self.positions) // 8))
        worst = halvable[np.argsort(-badness[halvable], kind="stable")[:count]]
        middles: Positions = self.positions[worst] + lengths[worst] / 2
        return middles

    def _better(self) -> str:
        return min(_INTEGRALS, key=lambda name: np.abs(self._errors(name)).sum())

    def _errors(self, name: str) -> Pieces:
        return _INTEGRALS[name](self.positions, self.slopes) - np.diff(self.scores)


def _shares(values: Pieces) -> Pieces:
    squares: Pieces = values**2
    return squares / max(float(squares.sum()), float(np.finfo(np.float64).tiny))


def _lines(positions: Positions, values: Float[np.ndarray, "points ..."]) -> Float[np.ndarray, "pieces ..."]:
    lengths = np.diff(positions).reshape(-1, *[1] * (values.ndim - 1))
    integrals: Float[np.ndarray, "pieces ..."] = (values[1:] + values[:-1]) / 2 * lengths
    return integrals


def _spline(positions: Positions, values: Float[np.ndarray, "points ..."]) -> Float[np.ndarray, "pieces ..."]:
    """A cubic bends away from the straight line by its second derivatives, and so does its integral."""
    flat = values.reshape(len(values), -1)
    curvatures = _curvatures(positions, flat)
    bent = np.diff(positions)[:, None] ** 3 * (curvatures[1:] + curvatures[:-1]) / 24
    integrals: Float[np.ndarray, "pieces ..."] = _lines(positions, values) - bent.reshape(-1, *values.shape[1:])
    return integrals


def _curvatures(positions: Positions, values: Float[np.ndarray, "points many"]) -> Float[np.ndarray, "points many"]:
    """Second derivatives of the cubic spline at its points; its outer two pieces at either end are one cubic.

    Solved with numpy alone: the import of a library's spline takes longer than many an explanation.
    """
    lengths = np.diff(positions)
    jumps = 6 * np.diff(np.diff(values, axis=0) / lengths[:, None], axis=0)
    if len(positions) < 4:  # a line, or one parabola
        each = jumps / (3 * (positions[-1] - positions[0])) if len(jumps) else np.zeros_like(values[:1])
        return np.repeat(each, len(positions), axis=0)
    system = np.zeros((len(positions),) * 2)
    inner = np.arange(1, len(positions) - 1)
    system[inner, inner - 1], system[inner, inner + 1] = lengths[:-1], lengths[1:]
    system[inner, inner] = 2 * (lengths[:-1] + lengths[1:])
    system[0, :3] = lengths[1], -lengths[0] - lengths[1], lengths[0]
    system[-1, -3:] = lengths[-1], -lengths[-1] - lengths[-2], lengths[-2]
    solved: Float[np.ndarray, "points many"] = np.linalg.solve(system, np.pad(jumps, ((1, 1), (0, 0))))
    return solved


_INTEGRALS = {"spline": _spline, "lines": _lines}
"""The integral over each piece between neighbouring points, linear in the values at all points."""

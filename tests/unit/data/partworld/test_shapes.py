"""Each distance against a slow one: the distance to the nearest of many points sampled on the shape's own outline."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from cutaway.data.partworld import shapes
from cutaway.data.partworld.kinds import Kind
from cutaway.data.partworld.parts import KINDS
from cutaway.data.partworld.shapes import Field

SHAPES: dict[str, Callable[[Field, Field], Field]] = {
    "circle": lambda x, y: shapes.circle(x, y, 0.3),
    "box": lambda x, y: shapes.box(x, y, 0.3, 0.2, 0.05),
    "sharp box": lambda x, y: shapes.box(x, y, 0.3, 0.2),
    "capsule": lambda x, y: shapes.capsule(x, y, (-0.2, -0.1), (0.25, 0.15), 0.1),
    "taper": lambda x, y: shapes.taper(x, y, 0.35, 0.15, 0.03),
    "lens": lambda x, y: shapes.lens(x + 0.2, y, 0.45, 0.1),
    "triangle": lambda x, y: shapes.polygon(x, y, [(0.0, -0.3), (0.3, 0.2), (-0.3, 0.2)]),
    "ellipse": lambda x, y: shapes.ellipse(x, y, 0.3, 0.2),
    "bow": lambda x, y: shapes.intersection(shapes.bow(x + 0.12, y, 0.35, 0.12, 0.04), np.abs(y) - 0.35),
}


def _grid(side: int, reach: float = 0.5) -> tuple[Field, Field]:
    line = np.linspace(-reach, reach, side, dtype=np.float32)
    x, y = np.meshgrid(line, line)
    return x, y


def _nearest_outline(outline: Callable[[Field, Field], Field], x: Field, y: Field) -> np.ndarray:
    """The distance to the nearest grid point where the sign changes, with that sign: right to a grid step."""
    fine_x, fine_y = _grid(501)
    inside = outline(fine_x, fine_y) < 0
    edge = np.zeros_like(inside)
    edge[:, :-1] |= inside[:, :-1] != inside[:, 1:]
    edge[:-1] |= inside[:-1] != inside[1:]
    points = np.stack([fine_x[edge], fine_y[edge]], axis=1)
    away = np.sqrt((x.ravel()[:, None] - points[:, 0]) ** 2 + (y.ravel()[:, None] - points[:, 1]) ** 2).min(axis=1)
    return np.where(outline(x, y) < 0, -1, 1) * away.reshape(x.shape)


@pytest.mark.parametrize("name", SHAPES)
def test_distance_is_right_near_the_outline(name: str) -> None:
    x, y = _grid(41)
    told, true = SHAPES[name](x, y), _nearest_outline(SHAPES[name], x, y)
    near = np.abs(true) < 0.03
    assert near.sum() > 20
    corners = 0.10 if name in ("sharp box", "triangle", "lens", "bow") else 0.0  # bounds, not distances, at corners
    assert np.mean(np.abs(told - true)[near] > 0.006) <= corners


@pytest.mark.parametrize("name", SHAPES)
def test_the_sign_says_which_side(name: str) -> None:
    x, y = _grid(41)
    told = SHAPES[name](x, y)
    assert told[20, 20] < 0
    assert told[0, 0] > 0
    assert told.dtype == np.float32


def test_union_and_intersection() -> None:
    x, y = _grid(41)
    one, other = shapes.circle(x + 0.1, y, 0.2), shapes.circle(x - 0.1, y, 0.2)
    assert ((shapes.union(one, other) < 0) == ((one < 0) | (other < 0))).all()
    assert ((shapes.intersection(one, other) < 0) == ((one < 0) & (other < 0))).all()
    assert (shapes.soft_min(one, other, 0.1) <= np.minimum(one, other) + 1e-6).all()
    assert (shapes.soft_max(one, other, 0.1) >= np.maximum(one, other) - 1e-6).all()


def test_around_repeats_a_shape_in_every_sector() -> None:
    angles = np.arange(7, dtype=np.float32) * np.float32(2 * math.pi / 7)
    u, v = shapes.around(np.cos(angles), np.sin(angles), 7)
    assert np.allclose(u, 1, atol=1e-5)
    assert np.allclose(v, 0, atol=1e-5)


def test_folded_is_the_offset_from_the_nearest_multiple() -> None:
    x = np.array([-0.31, 0.0, 0.1, 0.26, 0.9], np.float32)
    expected = [min((float(v) - 0.25 * k for k in range(-5, 6)), key=abs) for v in x]
    assert np.allclose(shapes.folded(x, 0.25), expected, atol=1e-6)


KIND_CASES = [(part, name, kind) for part, kinds in KINDS.items() for name, kind in kinds.items()]


@pytest.mark.parametrize(("part", "name", "kind"), KIND_CASES, ids=[f"{p}-{n}" for p, n, _ in KIND_CASES])
def test_bounds_hold_the_kind(part: str, name: str, kind: Kind) -> None:
    x, y = _grid(301, 0.7)
    inside = kind.outline(x, y) < 0
    left, top, right, bottom = kind.bounds
    assert inside.any()
    across, down = x[inside], y[inside]
    assert left - 0.012 <= across.min()
    assert across.max() <= right + 0.012
    assert top - 0.012 <= down.min()
    assert down.max() <= bottom + 0.012
    assert across.max() - across.min() > 0.6 * (right - left)

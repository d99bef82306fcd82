"""One thing changes, and nothing else: to the bit, outside the masks before and after."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from cutaway.core.errors import OptionError
from cutaway.data.partworld import (
    LABELS,
    Scene,
    enlarged,
    moved,
    pasted,
    render,
    sample_scene,
    shuffled,
    with_attribute,
    with_background,
    without_part,
)
from cutaway.data.partworld.render import centres
from cutaway.data.partworld.scene import find, walk

CHANGES: dict[str, Callable[[Scene, str], Scene]] = {
    "colour": lambda scene, path: with_attribute(scene, path, "colour", "blue"),
    "texture": lambda scene, path: with_attribute(scene, path, "texture", "checked"),
    "moved": lambda scene, path: moved(scene, path, 0.12, -0.2),
    "enlarged": lambda scene, path: enlarged(scene, path, 1.6),
}


def _touched(scene: Scene, path: str) -> np.ndarray:
    rendering = render(scene, 64)
    return rendering.masks[path] | rendering.shadows[path]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_changes_outside_the_part_before_and_after(change: str) -> None:
    seen = 0
    for index in range(5):
        scene = sample_scene(41, index)
        for path, part in walk(scene.whole.parts):
            if part.kind is None and change in ("colour", "texture"):
                continue
            other = CHANGES[change](scene, path)
            differs = (render(scene, 64).picture != render(other, 64).picture).any(axis=-1)
            assert not (differs & ~(_touched(scene, path) | _touched(other, path))).any(), path
            seen += bool(differs.any())
    assert seen > 15


def test_a_moved_part_lies_where_it_was_moved_to() -> None:
    for index in range(20):
        scene = sample_scene(42, index)
        for path, spot in centres(scene).items():
            x, y = centres(moved(scene, path, 0.1, -0.05))[path]
            assert math.isclose(x, spot[0] + 0.1, abs_tol=1e-6)
            assert math.isclose(y, spot[1] - 0.05, abs_tol=1e-6)


def test_an_enlarged_part_covers_more() -> None:
    scene = sample_scene(1, 0, label="daisy")
    small, large = render(scene, 128), render(enlarged(scene, "head", 1.5), 128)
    growth = large.masks["head"].sum() / small.masks["head"].sum()
    assert 1.8 < growth < 2.6


def test_a_pasted_part_lies_where_it_was_put_and_looks_the_same() -> None:
    scene = sample_scene(3, 6, label="pike")
    other = render(pasted(scene, "body", 0.3, 0.7), 128)
    rows, columns = np.nonzero(other.masks["pasted-1"])
    assert abs((columns.min() + columns.max()) / 2 / 128 - 0.3) < 0.05
    assert abs((rows.min() + rows.max()) / 2 / 128 - 0.7) < 0.05
    own = render(scene, 128).masks["body"].sum()
    assert abs(other.masks["pasted-1"].sum() - own) < 0.06 * own
    twice = pasted(pasted(scene, "body", 0.3, 0.7), "tail", 0.6, 0.2)
    assert {"pasted-1", "pasted-2"} <= set(render(twice, 64).masks)


def test_another_background_leaves_the_inside_of_the_object() -> None:
    scene = sample_scene(3, 6)
    other = with_background(scene, "night" if scene.background.name != "night" else "snow")
    one, two = render(scene, 64), render(other, 64)
    assert (one.picture != two.picture).any(axis=-1).mean() > 0.3
    same = (one.picture == two.picture).all(axis=-1)
    assert same[one.masks["whole"]].mean() > 0.6
    assert all((one.masks[path] == two.masks[path]).all() for path in one.masks)


def test_another_kind() -> None:
    scene = sample_scene(1, 0, label="finch")
    assert find(with_attribute(scene, "head/beak", "kind", "long"), "head/beak").kind == "long"


def test_shuffled_parts_trade_places() -> None:
    for label in LABELS:
        scene = sample_scene(2, 7, label=label)
        other = shuffled(scene, 3)
        assert other == shuffled(scene, 3)
        paths = [part.name if part.kind else f"{part.name}/{part.parts[0].name}" for part in scene.whole.parts]
        before, after = centres(scene), centres(other)
        taken = [
            next(old for old in paths if old != path and math.dist(before[old], after[path]) < 1e-6) for path in paths
        ]
        assert sorted(taken) == sorted(paths)


def test_shuffling_and_removing_handle_an_object_with_one_part_or_none() -> None:
    scene = sample_scene(2, 7, label="daisy")
    for part in scene.whole.parts:
        scene = without_part(scene, part.name)
    assert shuffled(scene) == scene
    assert render(scene, 32).picture.shape == (32, 32, 3)


def test_bad_input() -> None:
    scene = sample_scene(1, 0, label="finch")
    with pytest.raises(OptionError, match=r'no part "beek"'):
        without_part(scene, "beek")
    with pytest.raises(OptionError, match=r'no attribute "color"; expected one of kind, colour, texture'):
        with_attribute(scene, "body", "color", "red")
    with pytest.raises(OptionError, match=r'no colour "crimson"; expected one of red, orange'):
        with_attribute(scene, "body", "colour", "crimson")
    with pytest.raises(OptionError, match=r'no kind of tail "curly"; expected one of fan, forked'):
        with_attribute(scene, "tail", "kind", "curly")
    with pytest.raises(OptionError, match=r'"head" only groups its parts and has no colour'):
        with_attribute(sample_scene(1, 0, label="daisy"), "head", "colour", "red")
    with pytest.raises(OptionError, match=r"a factor of 9.0; expected 0.1 to 4.0"):
        enlarged(scene, "body", 9.0)
    with pytest.raises(OptionError, match=r"a place of 1.5, 0.5; expected 0.0 to 1.0"):
        pasted(scene, "body", 1.5, 0.5)
    with pytest.raises(OptionError, match=r"a move of nan, 0.0; expected -1.0 to 1.0"):
        moved(scene, "body", float("nan"), 0.0)
    with pytest.raises(OptionError, match=r'no background "moon"'):
        with_background(scene, "moon")

"""Masks are exact, sizes agree, and nothing but the scene decides a pixel."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.core.errors import OptionError
from cutaway.data.partworld import LABELS, Scene, biased, render, sample_scene, without_object, without_part
from cutaway.data.partworld.bias import Bias
from cutaway.data.partworld.render import Frame
from cutaway.data.partworld.scene import Place, Thing, walk


@given(st.integers(0, 10_000), st.sampled_from([32, 48, 64, 97]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_a_part_touches_only_its_mask_and_its_shadow(index: int, size: int) -> None:
    scene = sample_scene(3, index)
    whole = render(scene, size)
    for path, _ in walk(scene.whole.parts):
        changed = (render(without_part(scene, path), size).picture != whole.picture).any(axis=-1)
        assert not (changed & ~(whole.masks[path] | whole.shadows[path])).any(), path


@given(st.integers(0, 10_000))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_masks_nest_like_the_tree(index: int) -> None:
    rendering = render(sample_scene(4, index), 64)
    for path, mask in rendering.masks.items():
        owner = path.rpartition("/")[0]
        if owner:
            assert not (mask & ~rendering.masks[owner]).any()
        if path.split("-")[0] not in ("distractor", "occluder"):
            assert not (mask & ~rendering.masks["whole"]).any()


def test_masks_are_tight() -> None:
    """Most of a mask's pixels do change when the part goes: a mask of everything would pass the test above."""
    changed = masked = 0
    for index in range(8):
        scene = sample_scene(5, index)
        rendering = render(scene, 64)
        for path, _ in walk(scene.whole.parts):
            gone = render(without_part(scene, path), 64)
            moved = (gone.picture != rendering.picture).any(axis=-1)
            changed += int((moved & rendering.masks[path]).sum())
            masked += int(rendering.masks[path].sum())
    assert changed / masked > 0.95


def test_visible_is_one_for_what_lies_in_front_and_less_for_what_is_covered() -> None:
    scene = next(s for s in (sample_scene(6, i) for i in range(400)) if s.things[-1].role == "occluder")
    front = scene.things[-1].name
    assert render(scene, 64).visible[front] == 1
    lonely = replace(scene, things=(scene.whole,))
    assert render(lonely, 64).visible["whole"] == 1
    hidden = Thing("occluder", "cover", replace(scene.whole.place, scale=1.0), scene.whole.mirrored, scene.whole.parts)
    covered = render(replace(scene, things=(scene.whole, hidden)), 64).visible["whole"]
    assert covered < 0.6


def test_a_part_outside_the_picture_has_an_empty_mask() -> None:
    scene = sample_scene(0, 0)
    away = replace(scene.whole, place=Place(5.0, 5.0))
    rendering = render(replace(scene, things=(away,)), 32)
    assert not rendering.masks["whole"].any()
    assert rendering.visible["whole"] == 0


@pytest.mark.parametrize("label", LABELS)
def test_every_size_shows_the_same_scene(label: str) -> None:
    scene = sample_scene(8, 1, label=label)
    small = render(scene, 64).picture.astype(float)
    large = render(scene, 256).picture.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - large).mean() < 4
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.98


def test_rendering_repeats_in_another_process() -> None:
    code = (
        "import hashlib;from cutaway.data.partworld import render,sample_scene;"
        "print(hashlib.sha256(b''.join(render(sample_scene(1,i),64).picture.tobytes() for i in range(5))).hexdigest())"
    )
    here = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"OMP_NUM_THREADS": "1"}
    ).stdout
    assert here == there
    assert len(here.strip()) == 64


def test_rendering_does_not_depend_on_what_was_rendered_before() -> None:
    scenes = [sample_scene(2, i) for i in range(6)]
    forwards = [render(scene, 64).picture for scene in scenes]
    backwards = [render(scene, 64).picture for scene in reversed(scenes)][::-1]
    assert all((a == b).all() for a, b in zip(forwards, backwards, strict=True))


def test_a_scene_read_back_from_json_renders_the_same() -> None:
    scene = biased(sample_scene(2, 5), Bias("mark", 1.0))
    assert (render(Scene.from_json(scene.to_json()), 64).picture == render(scene, 64).picture).all()


def test_frames_agree_with_matrices() -> None:
    """A point through nested mirrored frames, beside the product of 3 x 3 matrices."""
    flip = np.diag([-1.0, 1.0, 1.0])

    def matrix(p: Place) -> np.ndarray:
        c, s = p.scale * np.cos(p.angle), p.scale * np.sin(p.angle)
        return np.array([[c, -s, p.x], [s, c, p.y], [0, 0, 1]])

    outer, inner, point = Place(0.4, 0.6, 0.3, 0.8), Place(0.1, -0.2, -0.7, 0.5), (0.05, 0.12)
    turn = complex(np.cos(outer.angle), np.sin(outer.angle)) * outer.scale
    frame = Frame(complex(outer.x, outer.y), turn, True).within(inner)
    told = frame.origin + frame.turn * complex(-point[0], point[1])
    true = matrix(outer) @ flip @ matrix(inner) @ np.array([*point, 1])
    assert np.allclose([told.real, told.imag], true[:2])


def test_without_object_leaves_the_background() -> None:
    scene = sample_scene(3, 3)
    rendering = render(without_object(scene), 64)
    whole = render(scene, 64)
    outside = ~(whole.masks["whole"] | whole.shadows["whole"])
    assert (rendering.picture[outside] == whole.picture[outside]).all()
    assert not rendering.masks["whole"].any()
    assert rendering.visible["whole"] == 0


@pytest.mark.parametrize("size", [31, 257, 0, -5])
def test_sizes_out_of_range(size: int) -> None:
    with pytest.raises(OptionError, match=rf"size {size}; expected 32 to 256 pixels; try 64"):
        render(sample_scene(0, 0), size)


def test_a_scene_of_another_version_is_refused() -> None:
    with pytest.raises(OptionError, match="a scene of version 7; expected version 1"):
        render(replace(sample_scene(0, 0), version=7))

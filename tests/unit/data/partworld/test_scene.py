"""Scenes as data."""

from __future__ import annotations

import json

import pytest

from cutaway.core.errors import DataError, OptionError
from cutaway.data.partworld import Scene, sample_scene
from cutaway.data.partworld.scene import find, walk, with_part


def test_json_goes_there_and_back() -> None:
    for index in range(40):
        scene = sample_scene(1, index)
        assert Scene.from_json(scene.to_json()) == scene


def test_walk_names_parents_before_children() -> None:
    paths = [path for path, _ in walk(sample_scene(0, 0, label="finch").whole.parts)]
    assert "head/eye/pupil" in paths
    assert paths.index("head") < paths.index("head/eye") < paths.index("head/eye/pupil")


def test_with_part_keeps_all_others() -> None:
    parts = sample_scene(0, 0, label="finch").whole.parts
    fewer = with_part(parts, "head/eye", None)
    assert {path for path, _ in walk(parts)} - {path for path, _ in walk(fewer)} == {"head/eye", "head/eye/pupil"}
    assert all(a is b for a, b in zip(parts, fewer, strict=True) if a.name != "head")


def test_bad_input() -> None:
    scene = sample_scene(0, 0, label="daisy")
    with pytest.raises(OptionError, match=r'no part "head/petal" in this daisy; .*; did you mean "head/petals"'):
        find(scene, "head/petal")
    other = json.dumps({**json.loads(scene.to_json()), "version": 99})
    with pytest.raises(DataError, match="a scene of version 99; expected version 1; sample it again"):
        Scene.from_json(other)
    with pytest.raises(DataError, match="is no scene; expected JSON"):
        Scene.from_json("daisy")
    with pytest.raises(DataError, match="a scene with a wrong field"):
        Scene.from_json('{"version": 1, "label": "daisy"}')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"light": "bright"}, "a scene with a wrong field"),
        ({"light": float("nan")}, "a number that is none"),
        ({"things": []}, "a scene of daisy without an object"),
        ({"background": {"name": "sea", "draws": [0.5]}}, "a background without its eight numbers"),
    ],
)
def test_hostile_json(change: dict[str, object], message: str) -> None:
    scene = json.loads(sample_scene(0, 0, label="daisy").to_json())
    with pytest.raises(DataError, match=message):
        Scene.from_json(json.dumps({**scene, **change}))


def test_a_scale_of_zero() -> None:
    data = json.loads(sample_scene(0, 0, label="daisy").to_json())
    data["things"][0]["place"]["scale"] = 0.0
    with pytest.raises(DataError, match="a scale of zero"):
        Scene.from_json(json.dumps(data))

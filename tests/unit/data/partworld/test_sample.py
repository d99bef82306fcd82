"""Scenes from a seed: repeatable, balanced, and alike for every class in all that does not make the class."""

from __future__ import annotations

from collections import Counter

import pytest

from cutaway.core.errors import OptionError, TargetError
from cutaway.data.partworld import BACKGROUNDS, CLASSES, COLOURS, KINDS, LABELS, TEXTURES, sample_scene
from cutaway.data.partworld.classes import PartPlan
from cutaway.data.partworld.scene import walk

SCENES = [sample_scene(21, index) for index in range(500)]


def _plans(parts: tuple[PartPlan, ...]) -> list[PartPlan]:
    return [plan for part in parts for plan in (part, *_plans(part.parts))]


def test_the_same_arguments_give_the_same_scene() -> None:
    assert sample_scene(5, 17, "test") == sample_scene(5, 17, "test")
    different = {
        sample_scene(*key).to_json() for key in [(5, 17, "test"), (5, 17, "val"), (6, 17, "test"), (5, 37, "test")]
    }
    assert len(different) == 4


def test_classes_take_turns() -> None:
    assert set(Counter(scene.label for scene in SCENES).values()) == {len(SCENES) // len(LABELS)}
    assert len(LABELS) == 20


def test_no_single_kind_settles_a_class() -> None:
    """Every (part, kind) occurs in at least two classes; each pair of deciding kinds in exactly one."""
    kinds = {label: {(p.name, p.kind) for p in _plans(plan.parts) if p.kind} for label, plan in CLASSES.items()}
    for label, own in kinds.items():
        for kind in own:
            assert sum(kind in other for other in kinds.values()) >= 2, (label, kind)
    for family in {plan.family for plan in CLASSES.values()}:
        members = [kinds[label] for label in LABELS if CLASSES[label].family == family]
        shared = set.intersection(*members)
        deciding = [own - shared for own in members]
        assert [len(own) for own in deciding] == [3, 3, 3, 3]
        assert all(len(a & b) == 1 for i, a in enumerate(deciding) for b in deciding[:i])


def test_part_trees_are_three_levels_deep() -> None:
    assert any(path.count("/") == 2 for scene in SCENES for path, _ in walk(scene.whole.parts))


def test_every_kind_colour_texture_and_background_occurs() -> None:
    drawn = [part for scene in SCENES for _, part in walk(scene.whole.parts) if part.kind]
    assert {part.colour for part in drawn} == set(COLOURS)
    assert {part.texture for part in drawn} == set(TEXTURES)
    assert {scene.background.name for scene in SCENES} == set(BACKGROUNDS)
    assert {(part.name, part.kind) for part in drawn} == {
        (name, kind) for name, kinds in KINDS.items() if name != "mark" for kind in kinds
    }


def test_at_most_one_part_is_missing() -> None:
    absent = Counter[int]()
    for scene in SCENES:
        there = {part.name for _, part in walk(scene.whole.parts)}
        gone = [plan for plan in CLASSES[scene.label].parts if plan.name not in there]
        absent[len(gone)] += 1
    assert set(absent) == {0, 1}
    assert 0.05 < absent[1] / len(SCENES) < 0.15


def test_nothing_but_kinds_depends_on_the_class() -> None:
    """Two classes of one family, drawn from the same numbers, differ in their kinds alone."""
    for index in range(30):
        one, other = (sample_scene(2, index, label=label) for label in ("finch", "tern"))
        assert (one.background, one.light, one.whole.place, one.whole.mirrored) == (
            other.background,
            other.light,
            other.whole.place,
            other.whole.mirrored,
        )
        looks = [
            {path: (part.colour, part.texture, part.tone, part.place) for path, part in walk(scene.whole.parts)}
            for scene in (one, other)
        ]
        assert looks[0] == looks[1]


def test_a_given_background_changes_nothing_else() -> None:
    drawn, given = sample_scene(1, 4), sample_scene(1, 4, background="brick")
    assert given.background.name == "brick"
    assert (drawn.things, drawn.light, drawn.background.draws) == (given.things, given.light, given.background.draws)


def test_bad_input() -> None:
    with pytest.raises(TargetError, match=r'no class "dasiy" in PartWorld; .*; did you mean "daisy"'):
        sample_scene(0, 0, label="dasiy")
    with pytest.raises(OptionError, match=r'no background "medow"; .*; did you mean "meadow"'):
        sample_scene(0, 0, background="medow")
    with pytest.raises(OptionError, match=r'no split "dev"; expected one of train, val, test'):
        sample_scene(0, 0, split="dev")
    with pytest.raises(OptionError, match=r"seed -1 and index 0; expected whole numbers from 0 up"):
        sample_scene(-1, 0)

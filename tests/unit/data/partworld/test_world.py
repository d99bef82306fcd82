"""PartWorld as a data set, its specs and its biased variants."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from cutaway.core.errors import OptionError
from cutaway.data.dataset import Dataset
from cutaway.data.partworld import BACKGROUNDS, LABELS, Bias, PartWorld, biased, open_partworld, sample_scene, stream
from cutaway.data.partworld import __all__ as public
from cutaway.data.partworld.bias import home, mark
from cutaway.data.specs import open_dataset

WORLD = PartWorld(count=12, seed=3, size=32)


def _digest(index: int) -> tuple[str, bytes, tuple[str, ...]]:
    sample = WORLD[index]
    return sample.key, sample.picture.numpy().tobytes(), sample.captions


def test_a_sample_knows_everything() -> None:
    world = PartWorld(count=40, seed=7, size=64)
    assert isinstance(world, Dataset)
    assert len(world) == 40
    sample = world[3]
    assert sample.picture.shape == (3, 64, 64)
    assert sample.picture.dtype == torch.float32
    assert 0 <= float(sample.picture.min()) <= float(sample.picture.max()) <= 1
    assert world.labels[sample.label or 0] == sample.extra["scene"].label
    assert len(sample.captions) >= 6
    assert sample.masks["whole"].shape == (64, 64)
    assert set(sample.extra["attributes"]) == set(sample.parts) <= set(sample.masks)
    assert set(sample.extra["visible"]) == set(sample.masks) == set(sample.extra["shadows"])
    for x, y in sample.parts.values():
        assert -16 < x < 80
        assert -16 < y < 80


def test_a_data_set_can_be_looped_over_and_ends() -> None:
    assert sum(1 for _ in PartWorld(count=5, size=32)) == 5  # type: ignore[attr-defined]  # by __getitem__ and IndexError
    with pytest.raises(IndexError, match="sample 5 of 5"):
        PartWorld(count=5)[5]


def test_splits_and_seeds_differ() -> None:
    worlds = [PartWorld(4, 0), PartWorld(4, 1), PartWorld(4, 0, "val"), PartWorld(4, 0, "test")]
    pictures = [world[0].picture for world in worlds]
    assert all(not torch.equal(a, b) for i, a in enumerate(pictures) for b in pictures[:i])
    assert len({world[0].key for world in worlds}) == 4


@pytest.mark.parametrize(("workers", "chunk"), [(0, 1), (0, 7), (2, 5)])
def test_streams_are_equal_for_any_number_of_workers(workers: int, chunk: int) -> None:
    assert list(stream(_digest, 12, workers, chunk)) == [_digest(index) for index in range(12)]


def test_stream_refuses_no_chunk() -> None:
    with pytest.raises(OptionError, match="2 workers and chunks of 0"):
        next(stream(_digest, 2, 2, 0))


def test_specs_open_it() -> None:
    world = open_dataset("partworld:20?seed=7&split=test&size=48&bias=mark:0.9&hold_out=negative+place")
    assert world == PartWorld(20, 7, "test", 48, Bias("mark", 0.9), ("negative", "place"))
    assert len(world[0].captions) == 6
    assert "mark" in world[0].masks
    assert pickle.loads(pickle.dumps(world)) == world


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bias": "background:1.5"}, r"a probability of 1.5; expected 0 to 1; try background:0.95"),
        ({"bias": "background"}, r'bias "background"; expected what:probability; try bias=background:0.95'),
        ({"bias": "colour:0.5"}, r'no bias "colour"; expected one of background, mark'),
        ({"bias": "mark:nan"}, r"a probability of nan; expected 0 to 1"),
        ({"size": "1000"}, r"size 1000; expected 32 to 256 pixels; try 64"),
        ({"size": "big"}, r'size "big"; expected a whole number; try size=64'),
        ({"seed": "x"}, r'seed "x"; expected a whole number; try seed=7'),
        ({"seed": "-1"}, r"count 10 and seed -1; expected at least 1 and 0"),
        ({"split": "dev"}, r'no split "dev"; expected one of train, val, test'),
        ({"hold_out": "jokes"}, r'no caption family "jokes"'),
        ({"sede": "3"}, r'no option of partworld "sede"; .*; did you mean "seed"'),
    ],
)
def test_bad_options(options: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        open_partworld(10, options)


def test_a_count_out_of_range() -> None:
    with pytest.raises(OptionError, match="count 0 and seed 0; expected at least 1 and 0"):
        open_partworld(0, {})


def test_a_biased_background_goes_with_its_class() -> None:
    world = PartWorld(count=1000, seed=1, bias=Bias("background", 0.9))
    scenes = [world.scene(i) for i in range(400)]
    own = np.mean([scene.background.name == home(scene.label) for scene in scenes])
    assert 0.86 < own < 0.94
    plain = PartWorld(count=1000, seed=1)
    assert all(scenes[i].things == plain.scene(i).things for i in range(20))
    assert {home(label) for label in LABELS} == set(BACKGROUNDS)


def test_a_biased_mark_goes_with_its_class() -> None:
    assert len({(m.parts[0].kind, m.parts[0].colour) for m in map(mark, LABELS)}) == len(LABELS)
    looks = [
        (scene.label, next(t for t in biased(scene, Bias("mark", 0.8), 1, i).things if t.role == "mark").parts)
        for i, scene in enumerate(sample_scene(1, i) for i in range(400))
    ]
    assert 0.74 < np.mean([parts == mark(label).parts for label, parts in looks]) < 0.86


def test_public_names() -> None:
    import cutaway.data.partworld as room

    assert all(hasattr(room, name) for name in public)
    assert sorted(public) == sorted(set(public))

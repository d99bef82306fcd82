"""Octaves and given pictures: where a visualization starts from, and what it stays near."""

from __future__ import annotations

import torch

from cutaway.featurevis import unit, units, visualize
from cutaway.nets.model import Model
from cutaway.trace import activations

GIVEN = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(7))


def test_octaves_share_the_steps(model: Model) -> None:
    found = visualize(model, units(["3:1", "3:2"]), size=64, steps=11, octaves=3, cache=False)
    assert found.history.shape == (2, 11)
    assert found.pictures.shape == (2, 3, 64, 64)
    assert (found.scores > found.history[:, 0]).all()
    again = visualize(model, units(["3:1", "3:2"]), size=64, steps=11, octaves=3, cache=False)
    assert torch.equal(found.pictures, again.pictures)


def test_a_start_that_nothing_moves_is_the_answer(model: Model) -> None:
    found = visualize(model, 0.0 * unit("3:1"), size=40, steps=2, start=GIVEN)
    torch.testing.assert_close(found.pictures[0], GIVEN, atol=0.0011, rtol=0)
    assert "still what it started from" in found.notes[0]


def test_each_picture_has_its_own_start(model: Model) -> None:
    others = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(8))
    found = visualize(model, 0.0 * units(["3:1", "3:2"]), size=32, steps=1, start=others)
    torch.testing.assert_close(found.pictures, others, atol=0.0011, rtol=0)


def test_near_keeps_what_a_layer_sees(model: Model) -> None:
    common = {"size": 40, "steps": 24, "start": GIVEN, "transforms": "none"}
    before = activations(model, GIVEN[None], ["1"])["1"]
    far = []
    for near in (None, ("1", 1.0), ("1", 20.0)):
        found = visualize(model, unit("3:1"), near=near, **common)
        assert found.scores[0] > found.history[0, 0]
        far.append(float((activations(model, found.pictures, ["1"])["1"] - before).norm()))
    assert far[0] > far[1] > far[2]


def test_another_start_is_another_question(model: Model) -> None:
    first, second = (visualize(model, "3:1", size=32, steps=2, start=start) for start in (GIVEN, 1 - GIVEN))
    assert not torch.equal(first.pictures, second.pictures)
    assert torch.equal(visualize(model, "3:1", size=32, steps=2, start=GIVEN).pictures, first.pictures)

"""The algebra of objectives, and what people may write for one."""

from __future__ import annotations

import pytest
import torch

from cutaway.core.errors import LayerError, OptionError
from cutaway.core.types import Unit
from cutaway.featurevis import (
    Objective,
    alignment,
    batch,
    class_score,
    copies,
    deepdream,
    direction,
    directions,
    diversity,
    neuron,
    unit,
    units,
)
from cutaway.featurevis.objectives import as_objective
from cutaway.featurevis.reader import reader
from cutaway.nets.model import Model
from cutaway.trace import trace


def scores(model: Model, objective: Objective, pictures: int) -> torch.Tensor:
    shown = torch.rand(pictures, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    read = reader(model, objective.pictures)
    with torch.no_grad():
        return read(trace(model, shown, read.layers, logits=read.logits))


def test_sums_differences_and_multiples_are_those_of_the_scores(model: Model) -> None:
    a, b, c = unit("1:2"), neuron("3:4", 1, 2), class_score("dog")
    combined = 2 * a - b / 4 + (-c) * 0.5
    found = {name: scores(model, each, 1) for name, each in {"a": a, "b": b, "c": c, "all": combined}.items()}
    torch.testing.assert_close(found["all"], 2 * found["a"] - found["b"] / 4 - found["c"] / 2)


def test_one_objective_is_added_to_each_picture_of_another(model: Model) -> None:
    several = units(["3:0", "3:1", "3:2"])
    combined = several - 0.1 * deepdream("1")
    assert len(combined) == 3
    expected = scores(model, several, 3) - 0.1 * scores(model, batch([deepdream("1")] * 3), 3)
    torch.testing.assert_close(scores(model, combined, 3), expected)


def test_comparing_twice_weighs_twice(model: Model) -> None:
    """Terms of one kind for one picture are one comparison, not one more picture to compare with."""
    for compare in (diversity, alignment):
        several = units(["3:0", "3:1", "3:2"]) + 3.0 * compare("1")
        twice = units(["3:0", "3:1", "3:2"]) + compare("1") - compare("1") * -2.0
        torch.testing.assert_close(scores(model, several, 3), scores(model, twice, 3))
        apart = scores(model, several, 3) - scores(model, units(["3:0", "3:1", "3:2"]), 3)
        torch.testing.assert_close(apart, 3 * scores(model, copies(compare("1"), 3), 3))


def test_functions_take_part(model: Model) -> None:
    combined = unit("3:1") - (lambda t: t["1"].mean())
    shown = scores(model, combined, 1)
    alone = scores(model, unit("3:1"), 1) - scores(model, as_objective(lambda t: t["1"].mean()), 1)
    torch.testing.assert_close(shown, alone)


def test_different_numbers_of_pictures_cannot_be_added() -> None:
    with pytest.raises(OptionError, match="objectives of 2 and 3 pictures cannot be added; expected as many, or one"):
        units(["a:1", "a:2"]) + units(["a:1", "a:2", "a:3"])


def test_what_may_stand_for_an_objective() -> None:
    assert as_objective("features.12:3") == unit("features.12:3") == unit(Unit("features.12", 3))
    assert as_objective(Unit("a", 1)) == unit("a:1")
    assert as_objective("class:tabby cat") == class_score("tabby cat")
    assert directions("a", torch.eye(2)) == batch([direction("a", torch.tensor(row)) for row in ([1.0, 0], [0, 1.0])])
    with pytest.raises(OptionError, match="a int is no objective"):
        as_objective(3)
    with pytest.raises(LayerError, match='"features" is no unit; expected layer:channel; try "features:0"'):
        as_objective("features")


def test_names_say_what_is_raised() -> None:
    assert (unit("a:1") - 0.5 * class_score("cat") + deepdream("b")).names == ("a:1 - 0.5 class(cat) + deepdream(b)",)
    assert neuron("a:1", 2, 3).names == ("neuron(a:1, 2, 3)",)
    assert direction("a", torch.ones(9)).names == ("direction(a)",)

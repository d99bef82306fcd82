"""Answers read off children: what speaks for a part and what speaks against it, anywhere in a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cutaway.construct import networks, ontology
from cutaway.construct.answering import even_threshold, looks
from cutaway.construct.figures import ablations, balanced
from cutaway.construct.learning import learn
from cutaway.construct.lessons import Lesson
from cutaway.construct.networks import Spec
from cutaway.construct.ontology import Node
from cutaway.construct.tree import Tree, presence
from cutaway.core.errors import OptionError, ProjectError

SPEC = Spec(form="composed", inputs=("petal", "spine"), size=32, kernel=3, filters=2, epochs=3, answer="children")


def corners(count: int, seed: int) -> Lesson:
    """Petals at the left and, in half of the pictures, spines at the right: a flower has petals and nowhere a spine."""
    draw = torch.Generator().manual_seed(seed)
    chances = torch.rand(count, 2, 8, 8, generator=draw) * 0.2
    masks, places = torch.zeros(count, 8, 8), torch.randint(0, 8, (count, 2), generator=draw).tolist()
    for index, (left, right) in enumerate(places):
        if index % 4:
            chances[index, 0, left, 1] = 0.95
        if index % 4 > 1:
            chances[index, 1, right, 6] = 0.9
        if index % 4 == 1:
            masks[index, left, 1] = 1
    there = masks.flatten(1).any(dim=1)
    return Lesson(chances, masks, torch.zeros_like(masks), there, torch.ones(count, dtype=torch.bool))


def test_a_child_far_away_speaks_against_a_part() -> None:
    train, val, fresh = (corners(count, seed) for count, seed in ((200, 0), (80, 1), (80, 2)))

    def right(spec: Spec) -> float:
        learned = learn(spec, train, val)
        with torch.no_grad():
            fired = learned.net.presence(learned.net(fresh.inputs)) > learned.spec.threshold
        return balanced(fired.numpy(), fresh.present.numpy()).value

    assert right(SPEC) > 0.95
    assert right(replace(SPEC, answer="map")) < 0.8


def test_the_highest_place_of_the_map_is_the_answer_and_lies_where_it_lay(tmp_path: Path) -> None:
    learned = learn(SPEC, corners(80, 0), corners(40, 1))
    fresh, net = corners(20, 2).inputs, learned.net
    assert net.answer is not None
    with torch.no_grad():
        field = net(fresh)
        assert torch.allclose(net.presence(field), net.answer(fresh), atol=1e-5)
        assert torch.equal(field.flatten(1).argmax(dim=1), net.map(fresh).flatten(1).argmax(dim=1))
        networks.write(net, learned.spec, tmp_path)
        assert torch.allclose(networks.read(tmp_path)(fresh), field, atol=1e-5)
    again = learn(SPEC, corners(80, 0), corners(40, 1)).net.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in net.state_dict().items())


def test_what_speaks_against_a_part_has_a_share_in_what_tells_it_apart() -> None:
    net = learn(SPEC, corners(200, 0), corners(80, 1)).net
    tree = Tree(ontology.of([Node("flower", all_of=SPEC.inputs), Node("petal"), Node("spine")]), {"flower": net}, {})
    fresh = corners(80, 2)
    with torch.no_grad():
        # Children as logits, as if they had networks; the answer reads chances.
        known = {name: torch.logit(fresh.inputs[:, [at]]) for at, name in enumerate(SPEC.inputs)}
        known["flower"] = net(fresh.inputs)
    there, clear = fresh.present.numpy(), fresh.clear.numpy()
    lost, shares = ablations(tree, "flower", torch.zeros(80, 3, 32, 32, dtype=torch.uint8), known, there, clear)
    assert shares["petal"] > 0.2
    assert shares["spine"] > 0.2
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    fired = presence(tree, "flower", known["flower"]).numpy() > 0
    assert lost["*"] == pytest.approx(balanced(fired, there).value - 0.5, abs=1e-3)


def test_looks_lie_between_nowhere_and_certain() -> None:
    seen = looks(torch.tensor([0.0, 0.5, 0.99, 1.0])[:, None, None, None].expand(4, 1, 2, 2))
    assert seen[:, 0].tolist() == pytest.approx([0, 0.5, 0.7494, 1], abs=1e-3)
    assert torch.equal(seen[:, 0], seen[:, 1])


def test_the_even_threshold_lies_between_and_does_not_hang_on_one_score() -> None:
    draw = np.random.default_rng(0)
    there = draw.random(400) < 0.2
    scores = draw.normal(size=400) + 4.0 * there
    cut = even_threshold(scores, there)
    assert cut == pytest.approx(2, abs=0.4)
    assert even_threshold(3 * scores + 5, there) == pytest.approx(3 * cut + 5, abs=0.01)
    moved = scores.copy()
    moved[np.abs(scores - cut).argmin()] += 0.5
    assert even_threshold(moved, there) == pytest.approx(cut, abs=0.1)
    assert np.isfinite(even_threshold(np.zeros(400), there))
    assert even_threshold(-scores, there) == pytest.approx(-scores.mean())


@pytest.mark.parametrize("changes", [{"form": "leaf", "inputs": ()}, {"head": "linear"}, {"head": "average"}])
def test_only_what_has_children_and_the_highest_place_answers_by_them(changes: dict[str, object]) -> None:
    with pytest.raises(ProjectError, match="answers by its children; expected a composed one with the head max"):
        replace(SPEC, **changes)  # type: ignore[arg-type]
    with pytest.raises(OptionError):
        Spec(answer="guess")

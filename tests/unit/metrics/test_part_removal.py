"""Part removal, with methods that know the truth and methods that know nothing, on a small random network."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch

from cutaway import Model, Preprocess
from cutaway.attribution import Attribution
from cutaway.core.errors import DataError
from cutaway.data.partworld import LABELS, Bias, biased, render, sample_scene, without_part
from cutaway.metrics import Removals, part_completeness, part_contrastivity, part_correctness
from cutaway.metrics.removals import deciding, removable, shapley, subsets, without_items
from cutaway.nets.zoo.partworld import partworld_net

SCENES = [sample_scene(3, index, "test") for index in range(10)]


@pytest.fixture(scope="module")
def removals():
    torch.manual_seed(0)
    network = partworld_net(len(LABELS), (8, 8, 12), 8).eval()
    with torch.no_grad():
        network.head.weight.mul_(20)
    return Removals(Model(network, Preprocess(64), LABELS), SCENES)


def painted(removals, truth):
    """A method that gives each item its number, spread evenly over its mask."""

    def method(forward, inputs, target=None, **options):
        values = torch.zeros(len(inputs), 64, 64, dtype=torch.float64)
        for field, trial, numbers in zip(values, removals.trials, truth, strict=True):
            for mask, number in zip(trial.masks.values(), numbers, strict=True):
                where = torch.from_numpy(mask)
                field[where] = number / where.sum()
        return Attribution(values.float(), removals.answers, "painted")

    return method


def test_importances_are_what_the_score_loses(removals):
    trial, found = removals.trials[1], removals.importances()[1]
    answer = int(removals.answers[1])
    for item, fall in zip(trial.items, found, strict=True):
        if item in trial.loose:
            continue
        other = render(without_part(SCENES[1], item), 64).picture
        both = torch.from_numpy(np.stack([render(SCENES[1], 64).picture, other])).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            whole, lacking = removals.model(both)[:, answer].tolist()
        assert fall == pytest.approx(whole - lacking, abs=1e-4)


def test_averaged_importances_share_out_all_that_the_parts_give(removals):
    for index, (trial, found) in enumerate(zip(removals.trials, removals.importances(averaged=True), strict=True)):
        ends = removals.logits([(index, frozenset()), (index, frozenset(trial.parts))])[:, int(removals.answers[index])]
        assert sum(found[: len(trial.parts)]) == pytest.approx(float(ends[0] - ends[1]), abs=1e-3)


def test_shapley_against_all_orders():
    items = ("a", "b", "c")
    draw = np.random.default_rng(0)
    score = {gone: float(draw.normal()) for gone in subsets(items)}
    for item in items:
        costs = []
        for order in permutations(items):
            before = frozenset(order[: order.index(item)])
            costs.append(score[before] - score[before | {item}])
        assert shapley(item, items, score) == pytest.approx(np.mean(costs))
    two_of_three = {gone: float(len(gone) < 2) for gone in subsets(items)}
    assert [shapley(item, items, two_of_three) for item in items] == pytest.approx([1 / 3] * 3)


def test_items_leave_a_whole_and_do_not_hold_one_another():
    for label in LABELS:
        parts = removable(sample_scene(1, 0, label=label))
        assert set(deciding(label)) - {"leaves", "stem"} <= {*parts, *deciding(label)}
        assert not any(one != other and other.startswith(f"{one}/") for one in parts for other in parts)
        assert len(deciding(label)) == 3
        sharing = [other for others in deciding(label).values() for other in others]
        assert len(set(sharing)) == 3
        assert label not in sharing


def test_loose_things_are_taken_away_too():
    scene = biased(sample_scene(2, 4), Bias("mark", 1.0))
    gone = without_items(scene, ["mark"])
    assert [thing.role for thing in gone.things] == [thing.role for thing in scene.things if thing.role != "mark"]
    assert without_items(scene, []) == scene


def test_a_method_that_knows_the_truth_is_correct(removals):
    truth = removals.importances()
    assert part_correctness(removals, painted(removals, truth)).value > 0.9  # masks overlap by a pixel here and there
    assert part_correctness(removals, painted(removals, [-each for each in truth])).value < -0.9
    draw = np.random.default_rng(0)
    guessed = part_correctness(removals, painted(removals, [draw.normal(size=len(each)) for each in truth]))
    assert abs(guessed.value) < 0.5
    assert guessed.n == len(SCENES)


def test_each_scene_is_rendered_and_answered_once(removals, monkeypatch):
    part_completeness(removals, painted(removals, removals.importances()))
    calls = []
    monkeypatch.setattr(Removals, "_picture", lambda *given: calls.append(given))
    part_completeness(removals, painted(removals, removals.importances()))
    assert calls == []


def test_completeness_rewards_the_truth_over_its_opposite(removals):
    truth = removals.importances(averaged=True)
    good = part_completeness(removals, painted(removals, truth))
    bad = part_completeness(removals, painted(removals, [-each for each in truth]))
    assert good.value >= bad.value
    assert 0 <= bad.value <= good.value <= 1


def test_contrastivity(removals):
    def follows(forward, inputs, target=None, **options):
        """Lights the part that the scene's class shares with the class asked about."""
        truth = []
        for trial, asked in zip(removals.trials, target.tolist(), strict=True):
            shared = {path for path, others in deciding(trial.scene.label).items() if LABELS[asked] in others}
            truth.append([float(item in shared) for item in trial.items])
        return painted(removals, truth)(forward, inputs)

    assert part_contrastivity(removals, follows).value == 1
    same = painted(removals, removals.importances())
    assert part_contrastivity(removals, same).value == 0  # one map for every class: never more for one than the other


def test_refused():
    small = Model(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 4)), Preprocess(64))
    with pytest.raises(DataError, match="answers 4 classes; expected PartWorld's 20"):
        Removals(small, SCENES[:2])
    with pytest.raises(DataError, match="0 scenes; expected at least 1"):
        Removals(small, [])


def test_subsets():
    assert len(subsets("abcd")) == 2**4
    assert math.comb(4, 2) == sum(len(some) == 2 for some in subsets("abcd"))

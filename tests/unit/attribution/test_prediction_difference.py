import math

import pytest
import torch
from small_networks import SIZE, Convnet, pictures, seeded

from cutaway import Model, Preprocess
from cutaway.attribution import prediction_difference
from cutaway.attribution.patches import PatchModel, fit_patches
from cutaway.attribution.perturbation import windows
from cutaway.core.errors import OptionError, PictureError


def test_the_conditional_is_that_of_a_normal_distribution():
    """Against the textbook formula with the inverse of the whole precision matrix, another way to the same."""
    drawn = torch.randn(4000, 1, 2, 2, dtype=torch.float64) @ torch.tensor([[1.0, 0.4], [0.0, 0.8]]).double()
    known = PatchModel(drawn, 0)
    hidden, gain, factor = known._conditional(0, 1, 0, 2)
    precision = torch.linalg.inv(known.covariance)
    inner, cross = precision[:2, :2], precision[:2, 2:]
    assert hidden.tolist() == [True, True, False, False]
    assert torch.allclose(gain, -torch.linalg.inv(inner) @ cross, atol=1e-9)
    assert torch.allclose(factor @ factor.T, torch.linalg.inv(inner), atol=1e-9)


def test_what_is_drawn_follows_what_is_around_it_and_nothing_else_changes():
    ramps = torch.linspace(0, 1, 16)[None, None, None].expand(1, 1, 16, 16) * torch.rand(1, 1, 1, 1)
    known = fit_patches(ramps, ramps.shape[1:], side=4, margin=2, seed=0)
    picture, place = ramps[0].clone(), (..., slice(6, 10), slice(6, 10))
    known.fill(picture, place, 0, 0)
    assert torch.allclose(picture, ramps[0], atol=0.05)
    changed = (picture != ramps[0])[0]
    assert not changed[:6].any()
    assert not changed[10:].any()
    assert not changed[:, :6].any()
    assert not changed[:, 10:].any()


def test_evidence_is_the_loss_of_log_odds_by_hand():
    network, points, samples = seeded(Convnet).eval(), pictures(2), 3
    found = prediction_difference(network, points, 1, window=6, stride=6, samples=samples, seed=4)
    for row in range(2):
        known = fit_patches(points[row : row + 1], points.shape[1:], 6, 2, 4)
        with torch.no_grad():
            whole = network(points[row : row + 1].clone()).softmax(1)[0, 1].double()
            for index, place in enumerate(windows(points.shape[1:], 6, 6)):
                likely = []
                for sample in range(samples):
                    filled = points[row].clone()
                    known.fill(filled, place, 4, index * samples + sample)
                    likely.append(network(filled[None]).softmax(1)[0, 1].double())
                mean = torch.stack(likely).mean()
                bits = math.log2(whole / (1 - whole)) - math.log2(mean / (1 - mean))
                assert torch.allclose(found.values[row][place].double(), torch.tensor(bits).double(), atol=1e-4)
    assert found.evaluations.tolist() == [14, 14]


def test_a_part_that_its_surroundings_do_not_tell_is_found():
    points = torch.rand(1, 3, 24, 24) * 0.1
    points[0, :, 10:14, 10:14] = 1.0

    def brightest(x):
        return torch.stack([x[:, :, 10:14, 10:14].mean(dim=(1, 2, 3)) * 20, torch.full((len(x),), 2.0)], dim=1)

    values = prediction_difference(brightest, points, 0, window=4, stride=2, samples=4).values[0].sum(0)
    assert values[10:14, 10:14].mean() > 10 * values[:8].abs().max()


def test_versus_one_score_and_many_labels():
    network, points = seeded(Convnet).eval(), pictures(2)
    options = {"window": 6, "stride": 6, "samples": 2}
    there = prediction_difference(network, points, 1, versus=2, **options).values
    back = prediction_difference(network, points, 2, versus=1, **options).values
    assert torch.allclose(there, -back, atol=1e-6)
    single = prediction_difference(lambda x: network(x)[:, 1:2], points, **options).values
    several = prediction_difference(Model(network, Preprocess(SIZE), multilabel=True), points, 1, **options).values
    assert torch.allclose(single, several, atol=1e-5)


def test_seeds_and_patches_of_other_pictures():
    network, points = seeded(Convnet), pictures(2)
    options = {"window": 4, "stride": 4, "samples": 2}
    first = prediction_difference(network, points, 1, seed=1, **options).values
    assert torch.equal(first, prediction_difference(network, points, 1, seed=1, **options).values)
    assert not torch.equal(first, prediction_difference(network, points, 1, seed=2, **options).values)
    alone = prediction_difference(network, points[1:], 1, seed=1, **options).values
    assert torch.allclose(first[1:], alone, atol=1e-5)
    others = prediction_difference(network, points, 1, seed=1, patches=pictures(4, seed=9), **options).values
    assert not torch.allclose(first, others)


@pytest.mark.parametrize(
    ("inputs", "options", "error", "message"),
    [
        (torch.rand(2, 5), {}, PictureError, r"inputs have shape \(2, 5\); expected pictures"),
        (pictures(), {"samples": 0}, OptionError, "samples is 0 and margin is 2; expected at least 1 sample"),
        (pictures(), {"patches": torch.rand(2, 1, 20, 20)}, PictureError, r"patches has shape \(2, 1, 20, 20\)"),
        (pictures(), {"patches": torch.rand(2, 3, 4, 4)}, PictureError, "at least 5, at least 5"),
        (pictures(), {"window": SIZE + 1}, OptionError, "window is 13"),
    ],
)
def test_what_makes_no_sense(inputs, options, error, message):
    with pytest.raises(error, match=message):
        prediction_difference(seeded(Convnet), inputs, 0, **options)

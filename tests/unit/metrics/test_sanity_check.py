import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr
from small_networks import SIZE, Convnet, TinyViT, pictures, seeded

from cutaway import Model, Preprocess
from cutaway.attribution import Attribution, gradient
from cutaway.core.errors import OptionError
from cutaway.metrics import label_check, sanity_check, shuffled
from cutaway.metrics.measured import mean_of


def edges(forward, inputs, target=None, **options):
    """No explanation at all: how much each pixel differs from its neighbours."""
    blurred = F.avg_pool2d(inputs, 3, 1, 1)
    return Attribution(values=inputs - blurred, target=torch.zeros(len(inputs), dtype=torch.long), method="edges")


def test_a_gradient_passes():
    found = sanity_check(seeded(Convnet), "gradient", pictures(8), 1)
    assert found.passed
    assert abs(found.value) < 0.3
    assert found.n == 8
    assert found.interval[0] <= found.value <= found.interval[1]


def test_an_edge_detector_fails():
    found = sanity_check(seeded(Convnet), edges, pictures(4))
    assert found.value == pytest.approx(1)
    assert not found.passed


def test_a_network_that_learned_other_labels_gives_other_maps():
    learned, misled = seeded(Convnet), seeded(Convnet, 1)
    found = label_check(learned, misled, "gradient", pictures(8), 1)
    assert found.passed
    assert label_check(learned, learned, "gradient", pictures(8), 1).value == pytest.approx(1)
    assert label_check(learned, misled, edges, pictures(4)).value == pytest.approx(1)
    blank = label_check(learned, shuffled(learned, 3), "gradient", pictures(4), 2)
    assert blank.values == sanity_check(learned, "gradient", pictures(4), 2, seed=3).values


def test_the_threshold_decides():
    found = sanity_check(seeded(Convnet), "gradient", pictures(4), 1, threshold=0.0)
    assert not found.passed


def test_the_value_is_the_mean_of_spearmans_correlations():
    network, points = seeded(TinyViT), pictures(3)
    found = sanity_check(network, "gradient", points, 2, seed=5)
    some, other = (gradient(each, points, 2).values.sum(1).abs().flatten(1) for each in (network, shuffled(network, 5)))
    expected = [spearmanr(a, b).statistic for a, b in zip(some.numpy(), other.numpy(), strict=True)]
    assert found.values == pytest.approx(expected)
    assert found.value == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("wrapped", [False, True])
def test_shuffling_keeps_the_numbers_and_leaves_the_model_alone(wrapped):
    network = seeded(Convnet)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    made = shuffled(Model(network, Preprocess(SIZE)) if wrapped else network, seed=1)
    after = (made.module if wrapped else made).state_dict()
    for name, tensor in before.items():
        assert torch.equal(network.state_dict()[name], tensor)
        assert torch.equal(after[name].flatten().sort().values, tensor.flatten().sort().values)
    assert not torch.equal(after["conv1.weight"], before["conv1.weight"])
    again = shuffled(network, seed=1).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in after.items())


def test_maps_that_do_not_vary_are_left_out():
    network = seeded(Convnet)
    black = torch.cat([pictures(2), torch.zeros(1, 3, SIZE, SIZE)])
    assert sanity_check(network, "input_x_gradient", black, 1).n == 2
    nothing = sanity_check(network, "input_x_gradient", black[2:], 1)
    assert nothing.n == 0
    assert not nothing.passed


def test_an_unknown_method():
    with pytest.raises(OptionError, match=r'no method "gradiant"; expected one of gradient, .*did you mean "gradient"'):
        sanity_check(seeded(Convnet), "gradiant", pictures())


def test_intervals_cover_the_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = [low <= 0 <= high for low, high in (mean_of(rng.normal(size=40)).interval for _ in range(200))]
    assert 0.88 <= np.mean(covered) <= 0.99
    assert mean_of(np.array([2.0])).interval == (float("-inf"), float("inf"))

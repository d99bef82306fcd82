"""Legibility: every figure against a slow literal re-derivation, and on networks of which the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.metrics import (
    Measured,
    class_accuracy,
    collapse,
    contrast,
    exactness,
    naturalness,
    object_alignment,
    recognised,
    unit_agreement,
)
from cutaway.metrics.legibility import discs
from cutaway.metrics.mosaics import grid_mosaics
from cutaway.metrics.naturalness import sparsity, spectrum, variation
from cutaway.metrics.noise import agreement, class_agreement, class_slopes, noise, shown
from cutaway.nets import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.nets.zoo.bias_free_net import bias_free_net

MEAN, STD, SIDE = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), 8
PICTURES = torch.rand(6, 3, SIDE, SIDE, generator=generator(0))


def linear(bias: bool = False, classes: int = 3, seed: int = 0) -> Model:
    """A linear network: its gradients are its weights over the spread, whatever it sees."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, classes, bias=bias))
    return Model(module, Preprocess(SIDE, MEAN, STD), ["a", "b", "c", "d"][:classes])


def convolutional(seed: int = 0, classes: int = 4) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = bias_free_net(classes, (6, 8), 4)
    return Model(module, Preprocess(SIDE, MEAN, STD), ["a", "b", "c", "d"][:classes])


def by_differences(model: Model, picture: Tensor, target: int, y: int, x: int, channel: int) -> float:
    step = torch.zeros_like(picture)
    step[channel, y, x] = 1e-2
    with torch.no_grad():
        up, down = model(torch.stack([picture + step, picture - step]))[:, target].tolist()
    return (up - down) / 2e-2


def test_exactness_is_zero_without_offsets_and_the_offset_s_share_with_one() -> None:
    assert exactness(linear(), PICTURES).value < 1e-5
    model = linear(bias=True)
    module = model.module
    assert isinstance(module, nn.Sequential)
    bias = module[1].bias
    assert isinstance(bias, Tensor)
    found = exactness(model, PICTURES, 1)
    with torch.no_grad():
        expected = (bias[1].abs() / model(PICTURES)[:, 1].abs()).tolist()
    assert found.values == pytest.approx(expected, rel=1e-4)
    assert found.n == 6


def test_a_network_of_soft_gates_is_exact_where_they_are_held_and_not_else() -> None:
    model = convolutional()
    assert exactness(model, PICTURES).value < 1e-4
    assert exactness(model, PICTURES, reading="plain").value > 1e-2


def test_exactness_reads_the_gradient_that_differences_give() -> None:
    model = linear(bias=True)
    total = 0.0
    for channel in range(3):
        for y in range(SIDE):
            for x in range(SIDE):
                slope = by_differences(model, PICTURES[2], 0, y, x, channel)
                total += slope * (float(PICTURES[2, channel, y, x]) - MEAN[channel])
    with torch.no_grad():
        score = float(model(PICTURES[2:3])[0, 0])
    assert exactness(model, PICTURES[2:3], 0).value == pytest.approx(abs(score - total) / abs(score), rel=1e-2)


def test_contrast_is_the_mean_cosine_over_pairs_of_classes() -> None:
    model = linear()
    module = model.module
    assert isinstance(module, nn.Sequential)
    weight = module[1].weight
    assert isinstance(weight, Tensor)
    rows = (weight.detach().view(3, 3, -1) / torch.tensor(STD)[:, None]).flatten(1).double()
    cosines = [
        float(rows[i] @ rows[j]) / math.sqrt(float(rows[i] @ rows[i]) * float(rows[j] @ rows[j]))
        for i, j in [(0, 1), (0, 2), (1, 2)]
    ]
    assert contrast(model, PICTURES).value == pytest.approx(sum(cosines) / 3, abs=1e-5)


def test_contrasted_classes_come_near_the_least_there_is() -> None:
    assert -1 / 3 - 1e-6 <= contrast(convolutional(), PICTURES).value < -0.2


def test_contrast_needs_two_classes() -> None:
    with pytest.raises(OptionError, match="1 class; expected at least 2, to compare"):
        contrast(linear(classes=1), PICTURES)


def test_class_accuracy_adds_up_positive_shares_in_the_right_cell() -> None:
    model, labels = convolutional(), torch.tensor([0, 1, 2, 3, 0, 1])
    found = class_accuracy(model, PICTURES, labels, n=4, side=2, seed=3)
    plans, expected = grid_mosaics(labels, 4, 2, 3), []
    for laid, targets, right in plans.laid(PICTURES, 1):
        inputs = laid.clone().requires_grad_(True)
        for layer in model.module.modules():
            if hasattr(layer, "detach") and isinstance(layer.detach, bool):
                layer.detach = True
        (slope,) = torch.autograd.grad(model(inputs)[0, targets[0]], inputs)
        inside = outside = 0.0
        for y in range(laid.shape[2]):
            for x in range(laid.shape[3]):
                share = sum(float(slope[0, c, y, x]) * (float(laid[0, c, y, x]) - MEAN[c]) for c in range(3))
                if share > 0:
                    inside += share * float(right[0, y, x])
                    outside += share * float(1 - right[0, y, x])
        expected.append(inside / (inside + outside))
    assert found.values == pytest.approx(expected, rel=1e-3)


def test_a_network_that_reads_one_corner_is_aligned_with_masks_of_that_corner() -> None:
    model = linear(classes=2)
    module = model.module
    assert isinstance(module, nn.Sequential)
    weight = module[1].weight
    assert isinstance(weight, Tensor)
    with torch.no_grad():
        weight.view(2, 3, SIDE, SIDE)[:, :, 4:] = 0
        weight.view(2, 3, SIDE, SIDE)[:, :, :, 4:] = 0
    corner = torch.zeros(6, SIDE, SIDE, dtype=torch.bool)
    corner[:, :4, :4] = True
    found = object_alignment(model, PICTURES, corner, 0)
    assert found.values == pytest.approx([4.0] * 6)  # all of it, in a quarter of the picture
    assert object_alignment(model, PICTURES, ~corner, 0).value == 0


def test_discs_hold_what_is_near_a_point_that_is_there() -> None:
    points = torch.tensor([[[2.0, 5.0], [float("nan"), float("nan")]]])
    found = discs(points, (8, 8), 1.6)[0]
    near = [(y, x) for y in range(8) for x in range(8) if math.hypot(x + 0.5 - 2.0, y + 0.5 - 5.0) <= 1.6]
    assert [tuple(place) for place in found.nonzero().tolist()] == near


def test_agreement_is_the_mean_cosine_over_pairs() -> None:
    slopes = torch.randn(5, 3, 2, 2, generator=generator(1))
    pairs = [
        float(torch.nn.functional.cosine_similarity(slopes[i].flatten(), slopes[j].flatten(), dim=0))
        for i in range(5)
        for j in range(i)
    ]
    assert float(agreement(slopes)) == pytest.approx(sum(pairs) / len(pairs), abs=1e-5)
    assert math.isnan(float(agreement(torch.zeros(4, 3))))


def test_a_linear_network_agrees_with_itself_on_any_noise() -> None:
    assert class_agreement(linear(), 3).values == pytest.approx([1.0] * 3)


def test_units_of_the_first_layer_agree_dead_units_do_not_count() -> None:
    model = convolutional()
    with torch.no_grad():
        model.module.get_parameter("stage1.conv1.weight")[2] = 0
    assert unit_agreement(model, "stem.whiten", draws=4).values == pytest.approx([1.0] * 8)
    found = unit_agreement(model, "stage1.conv1", draws=4)
    assert found.n == 5
    assert all(-1 <= value < 1 for value in found.values)


def test_units_one_by_one_are_those_of_the_whole_layer() -> None:
    whole = unit_agreement(convolutional(), "stage2.conv1", draws=4).values
    assert unit_agreement(convolutional(), "stage2.conv1", draws=4, units=[3]).values == pytest.approx([whole[3]])


def test_noise_is_about_the_mean_colour_and_repeats() -> None:
    drawn = noise(linear(), 200, 0.25, 5)
    assert drawn.mean((0, 2, 3)).tolist() == pytest.approx(MEAN, abs=0.02)
    assert float(drawn.std()) == pytest.approx((0.25**2 + np.var(MEAN)) ** 0.5, rel=0.05)
    assert torch.equal(drawn, noise(linear(), 200, 0.25, 5))
    with pytest.raises(OptionError, match=r"draws is 1 and spread is 0\.25; expected at least 2 draws"):
        noise(linear(), 1)


def test_a_judge_recognises_a_twin_and_not_a_network_with_its_classes_turned() -> None:
    model, other = linear(), linear()
    assert recognised(model, linear(), groups=2, draws=2).value == 1.0
    with torch.no_grad():
        weight = other.module.get_parameter("1.weight")
        weight.copy_(weight.roll(1, 0))
    found = recognised(other, linear(), groups=2, draws=2)
    assert (found.value, found.n) == (0.0, 6)


def test_a_judge_of_other_classes_or_size() -> None:
    with pytest.raises(OptionError, match="the judge has other classes than the network's 3"):
        recognised(linear(), linear(classes=2), groups=1, draws=2)
    larger = Model(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), Preprocess(9, MEAN, STD))
    with pytest.raises(OptionError, match=r"the judge takes pictures of \(3, 9, 9\) and the network of \(3, 8, 8\)"):
        recognised(linear(), larger, groups=1, draws=2)


def test_what_is_shown_has_a_picture_s_spread_about_the_mean_colour() -> None:
    slopes = class_slopes(linear(), 3, draws=2).mean(1)
    pictures = shown(linear(), slopes, 0.01)
    assert (pictures - torch.tensor(MEAN)[:, None, None]).flatten(1).std(1).tolist() == pytest.approx(
        [0.01] * 3, rel=1e-3
    )
    assert 0 <= float(shown(linear(), slopes, 5.0).min()) <= float(shown(linear(), slopes, 5.0).max()) <= 1


def test_figures_of_naturalness_by_hand() -> None:
    values = torch.tensor([[[[0.0, 1.0], [2.0, 5.0]]]])
    steps = (abs(2.0 - 0) + abs(5.0 - 1)) / 2 + (abs(1.0 - 0) + abs(5.0 - 2)) / 2
    assert float(variation(values)[0]) == pytest.approx(steps / 2 / float(values.std()))
    sizes = sorted([0.0, 1.0, 2.0, 5.0])
    pairs = sum(abs(a - b) for a in sizes for b in sizes)
    assert float(sparsity(values)[0]) == pytest.approx(pairs / (2 * 4 * sum(sizes)))


def test_the_spectrum_of_noise_is_flat_and_that_of_its_integral_falls() -> None:
    white = torch.randn(8, 3, 32, 32, generator=generator(2), dtype=torch.float64)
    assert float(spectrum(white).mean()) == pytest.approx(0, abs=0.1)
    frequency = (torch.fft.fftfreq(32)[:, None].square() + torch.fft.fftfreq(32)[None].square()).sqrt().double()
    frequency[0, 0] = 1
    pink = torch.fft.ifft2(torch.fft.fft2(white) / frequency).real
    assert float(spectrum(pink).mean()) == pytest.approx(-2, abs=0.1)


def test_naturalness_sets_gradients_beside_their_pictures() -> None:
    found = naturalness(convolutional(), PICTURES)
    seen = PICTURES - torch.tensor(MEAN)[:, None, None]
    assert found.variation.pictures.values == pytest.approx(variation(seen).tolist(), rel=1e-5)
    far = abs(found.sparsity.gradients.value - found.sparsity.pictures.value)
    assert found.sparsity.distance == pytest.approx(far / float(np.std(found.sparsity.pictures.values)))


def test_a_score_that_shuffled_weights_leave_alone_does_not_pass() -> None:
    model = linear(bias=True)
    same = collapse(model, lambda one: contrast(linear(), PICTURES[:2]))
    assert same.trained == same.shuffled
    assert not same.passed
    labels = torch.tensor([0, 1, 2, 0, 1, 2])

    def hits(one: Model) -> Measured:
        return exactness(one, PICTURES, labels)

    assert collapse(model, hits).trained.values == exactness(model, PICTURES, labels).values

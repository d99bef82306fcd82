import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from small_networks import CLASSES, Convnet, Reused, TinyViT, pictures, seeded
from torch import nn

from cutaway import Model, Preprocess
from cutaway.attribution import ascent, gradient
from cutaway.attribution import pullback as pullback_times_input
from cutaway.attribution.backward_rules import RULES
from cutaway.attribution.function_calls import backward_rules
from cutaway.core.errors import ModelError, OptionError

SIX, TEN = 6, 10
pullback = partial(pullback_times_input, times_input=False)
LINES = torch.linspace(-3, 3, 25, dtype=torch.float64)[:, None]


def literal_gates(given, temperature, threshold):
    """Place by place: the spread over the channels by its definition, then the gate of each channel."""
    gates = torch.zeros_like(given)
    batch, channels, height, width = given.shape
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                here = [float(given[b, c, y, x]) for c in range(channels)]
                mean = sum(here) / channels
                spread = math.sqrt(sum((value - mean) ** 2 for value in here) / channels)
                for c, value in enumerate(here):
                    gates[b, c, y, x] = 1 / (1 + math.exp(-(value / spread - threshold) / temperature))
    return gates


def test_gates_open_by_standard_deviations_over_the_channels_of_a_place():
    given = torch.randn(2, 5, 3, 3, dtype=torch.float64) * 400
    weights = torch.randn(2, 5, 3, 3, dtype=torch.float64)
    values = pullback(lambda x: (x.relu() * weights).sum(dim=(1, 2, 3))[:, None], given, 0).values
    assert torch.allclose(values, weights * literal_gates(given, 0.3, 1.0))


def test_channels_of_tokens_are_those_of_the_linear_layer_before():
    wide = nn.Linear(SIX, TEN).double()
    tokens = torch.randn(2, 4, 3, SIX, dtype=torch.float64)
    kept = {}

    def forward(x):
        kept["given"] = wide(x)
        return F.gelu(kept["given"]).sum(dim=(1, 2, 3))[:, None]

    values = pullback(forward, tokens, 0).values
    given = kept["given"].detach()
    gates = torch.distributions.Normal(0.0, 1.0).cdf((given / given.std(-1, correction=0, keepdim=True) - 1) / 0.3)
    assert torch.allclose(values, gates @ wide.weight.detach())


@pytest.mark.parametrize(
    ("activation", "gate"),
    [
        (F.relu, lambda x: torch.sigmoid(x / 0.6)),
        (F.gelu, torch.distributions.Normal(0.0, 1.0).cdf),
        (F.silu, lambda x: torch.sigmoid(x / 1.6)),
    ],
)
def test_published_gates(activation, gate):
    found = pullback(activation, LINES, 0, published=True).values
    assert torch.allclose(found, gate(LINES))


@pytest.mark.parametrize("factory", [Reused, Convnet])
def test_cold_gates_and_poolings_are_the_gradient(factory):
    network, points = seeded(factory), pictures()
    cold = pullback(network, points, 1, temperature=1e-7, threshold=0.0, pooling=1e-7)
    assert torch.allclose(cold.values, gradient(network, points, 1).values, atol=1e-6)


@pytest.mark.parametrize(("kernel", "stride", "padding", "ceil"), [(2, 2, 0, False), (3, 2, 1, False), (3, 2, 0, True)])
def test_a_pooling_shares_the_gradient_out_by_the_softmax_of_its_window(kernel, stride, padding, ceil):
    points = torch.randn(1, 2, 6, 6, dtype=torch.float64)
    weights = torch.randn(1, 2, 4, 4, dtype=torch.float64)

    def score(x):
        pooled = F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil)
        return (pooled * weights[:, :, : pooled.shape[2], : pooled.shape[3]]).sum(dim=(1, 2, 3))

    expected = torch.zeros_like(points)
    size = F.max_pool2d(points, kernel, stride, padding, ceil_mode=ceil).shape[-1]
    for channel in range(2):
        for row in range(size):
            for column in range(size):
                places = [
                    (y, x)
                    for y in range(row * stride - padding, row * stride - padding + kernel)
                    for x in range(column * stride - padding, column * stride - padding + kernel)
                    if 0 <= y < 6 and 0 <= x < 6
                ]
                powers = [math.exp(float(points[0, channel, y, x]) / 0.3) for y, x in places]
                for (y, x), power in zip(places, powers, strict=True):
                    expected[0, channel, y, x] += weights[0, channel, row, column] * power / sum(powers)
    assert torch.allclose(pullback(score, points, published=True).values, expected)


def test_fitted_gates_do_not_care_for_the_scale_of_a_network_and_published_ones_do():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first, second, last = (nn.Linear(a, b).double() for a, b in ((SIX, TEN), (TEN, TEN), (TEN, CLASSES)))

    def network(scale):
        return lambda x: last(F.relu(F.linear(F.relu(first(x) * scale), second.weight, second.bias * scale)) / scale)

    points = torch.randn(3, SIX, dtype=torch.float64)
    small, large = (pullback(network(scale), points, 1).values for scale in (1.0, 300.0))
    assert torch.allclose(small, large)
    published = [pullback(network(scale), points, 1, published=True).values for scale in (1.0, 300.0)]
    hard = gradient(network(300.0), points, 1).values
    assert (published[1] - hard).norm() < 0.1 * hard.norm() < (published[0] - hard).norm()


def test_times_input_counts_from_the_colour_that_the_network_sees_as_nothing():
    network, points = seeded(Convnet), pictures()
    model = Model(network, Preprocess(12, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)))
    plain = pullback(model, points, 1).values
    offset = points - torch.tensor([0.4, 0.5, 0.6])[:, None, None]
    assert torch.allclose(pullback_times_input(model, points, 1).values, plain * offset, atol=1e-7)
    bare = pullback(network, points, 1).values
    assert torch.allclose(pullback_times_input(network, points, 1).values, bare * points, atol=1e-7)


def test_what_a_pooling_cannot_share_out_keeps_its_derivative():
    points = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    for options in ({"dilation": 2}, {"return_indices": True}):

        def score(x, options=options):
            found = F.max_pool2d(x, 3, 1, **options)
            return (found[0] if isinstance(found, tuple) else found).sum(dim=(1, 2, 3))

        with backward_rules(RULES["pullback"](0.3, 1.0, 5.0)):
            leaf = points.clone().requires_grad_()
            (found,) = torch.autograd.grad(score(leaf).sum(), leaf)
        assert torch.equal(found, gradient(score, points).values)


@pytest.mark.parametrize("factory", [Convnet, Reused, TinyViT])
def test_an_ascent_raises_the_score_and_stays_within_the_pictures(factory):
    model = Model(seeded(factory), Preprocess(12))
    points = pictures()
    found = ascent(model, points, 1, steps=5, length=2.0)
    climbed = points + found.values
    assert (model(climbed)[:, 1] > model(points)[:, 1]).all()
    assert climbed.min() >= -1e-6
    assert climbed.max() <= 1 + 1e-6
    assert (found.values.flatten(1).norm(dim=1) <= 2.0001).all()
    assert found.evaluations.tolist() == [6, 6, 6]


def test_what_makes_no_sense():
    with pytest.raises(OptionError, match=r"temperature is 0\.0 and pooling is 5\.0; expected more than 0; try 0.3"):
        pullback(seeded(Convnet), pictures(), 0, temperature=0.0)
    with pytest.raises(OptionError, match=r"steps is 0 and length is 5\.0; expected at least 1 step"):
        ascent(seeded(Convnet), pictures(), 0, steps=0)
    with pytest.raises(ModelError, match="pullback changes how gradients pass relu, gelu, silu, max_pool2d, but"):
        pullback(nn.Sequential(nn.Linear(SIX, CLASSES)), torch.randn(2, SIX), 0)

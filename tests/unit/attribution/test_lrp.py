import pytest
import torch
import torch.nn.functional as F
import torchvision_operators
from small_networks import CLASSES, SIZE, Convnet, Reused, TinyViT, pictures, seeded
from torch import nn

from cutaway import Model, Preprocess
from cutaway.attribution import gradient, input_x_gradient, lrp
from cutaway.attribution.linear_rules import box, epsilon, flat, gamma, z_plus
from cutaway.core.errors import ModelError, OptionError

LOW, HIGH = -3.0, 3.0
RULES = {
    "epsilon": epsilon(0.1),
    "gamma": gamma(0.5),
    "z-plus": z_plus(),
    "flat": flat,
    "box": box(torch.tensor(LOW), torch.tensor(HIGH)),
}


def share(rule, x, w, z, bias):
    """What one value x bears, through the weight w, of a unit that answered z: not yet divided by the sum of shares."""
    added = x * w
    return {
        "epsilon": added,
        "gamma": added + 0.5 * (max(added, 0.0) if z > 0 else min(added, 0.0)),
        "z-plus": max(added, 0.0),
        "flat": 1.0,
        "box": added - LOW * max(w, 0.0) - HIGH * min(w, 0.0),
    }[rule]


def bias_share(rule, bias, z):
    return {
        "epsilon": bias,
        "gamma": bias + 0.5 * (max(bias, 0.0) if z > 0 else min(bias, 0.0)),
        "z-plus": max(bias, 0.0),
        "flat": 0.0,
        "box": bias - max(bias, 0.0) - min(bias, 0.0),
    }[rule]


def literal(rule, layer, given, relevance):
    """One linear layer by hand: every unit shares its relevance out among all that it was given, one by one."""
    found = [0.0] * len(given)
    for unit, weights in enumerate(layer.weight.tolist()):
        bias = float(layer.bias[unit].detach())
        z = sum(x * w for x, w in zip(given, weights, strict=True)) + bias
        shares = [share(rule, x, w, z, bias) for x, w in zip(given, weights, strict=True)]
        total = sum(shares) + bias_share(rule, bias, z)
        stabiliser = 0.1 if rule == "epsilon" else 1e-9
        total += stabiliser if total >= 0 else -stabiliser
        for index, each in enumerate(shares):
            found[index] += each * relevance[unit] / total
    return found


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_by_hand_at_the_first_of_two_layers(rule):
    first, last = nn.Linear(6, 8).double(), nn.Linear(8, CLASSES).double()
    points = torch.randn(3, 6, dtype=torch.float64)
    points[0, 2] = 0.0
    composite = {0: RULES[rule], 1: RULES["epsilon"]}
    network = nn.Sequential(first, nn.ReLU(), last)
    found = lrp(network, points, 1, composite=lambda kind, index: composite[index])
    for point, values in zip(points.tolist(), found.values, strict=True):
        hidden = F.relu(first(torch.tensor(point, dtype=torch.float64))).tolist()
        score = float(last(torch.tensor(hidden, dtype=torch.float64))[1].detach())
        at_hidden = literal("epsilon", last, hidden, [score if unit == 1 else 0.0 for unit in range(CLASSES)])
        expected = torch.tensor(literal(rule, first, point, at_hidden), dtype=torch.float64)
        assert torch.allclose(values, expected, rtol=1e-8)


class Residual(nn.Module):
    """Convolutions with and without batch normalisation, a skip connection, poolings; no bias anywhere if not asked."""

    def __init__(self, bias=False, normed=True):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1, bias=bias)
        self.inner = nn.Conv2d(6, 6, 3, padding=1, bias=bias)
        self.norm = nn.BatchNorm2d(6) if normed else nn.Identity()
        self.head = nn.Linear(6, CLASSES, bias=bias)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem(x)), 2)
        x = F.relu(x + self.norm(self.inner(x)))
        return self.head(F.avg_pool2d(x, 6).flatten(1))


COMPOSITES = ["epsilon", "z-plus", "epsilon-plus", "epsilon-gamma", "epsilon-plus-flat", "epsilon-gamma-box"]


@pytest.mark.parametrize("composite", COMPOSITES)
def test_relevance_is_conserved_where_there_are_no_biases(composite):
    network = seeded(Residual).eval().double()
    network.norm.running_mean.zero_()
    found = lrp(network, pictures().double(), 1, composite=composite, epsilon=1e-9)
    assert (found.relative_gap < 1e-3).all()
    assert torch.allclose(found.values.flatten(1).sum(1) - found.difference, found.completeness_gap)
    with torch.no_grad():
        assert torch.allclose(found.difference, network(pictures().double())[:, 1])


def test_the_gap_is_what_biases_keep():
    network = seeded(lambda: Residual(bias=True))
    found = lrp(network, pictures(), 1, composite="epsilon")
    assert (found.completeness_gap.abs() > 1e-3).all()


def test_epsilon_near_zero_is_input_times_gradient_in_a_network_of_relus():
    for factory in (Convnet, Reused, Residual):
        network, points = seeded(factory).double(), pictures().double()
        found = lrp(network, points, 1, composite="epsilon", epsilon=1e-12)
        assert torch.allclose(found.values, input_x_gradient(network, points, 1).values, atol=1e-7)


def test_a_batch_normalisation_counts_as_part_of_the_layer_before():
    network, points = seeded(Residual).eval().double(), pictures().double()
    scale = network.norm.weight / (network.norm.running_var + network.norm.eps).sqrt()
    merged = seeded(lambda: Residual(normed=False)).eval().double()
    merged.load_state_dict({k: v for k, v in network.state_dict().items() if "norm" not in k})
    merged.inner.weight.data = network.inner.weight.data * scale.detach()[:, None, None, None]
    merged.inner.bias = nn.Parameter((-network.norm.running_mean * scale).detach() + network.norm.bias.detach())
    for composite in COMPOSITES:
        expected = lrp(merged, points, 1, composite=composite).values
        assert torch.allclose(lrp(network, points, 1, composite=composite).values, expected, atol=1e-10)


def test_a_model_counts_from_its_mean_colour():
    network, points = seeded(Residual), pictures()
    model = Model(network, Preprocess(SIZE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)))
    seen = model.preprocess.normalise(points)
    for composite in ("epsilon-gamma", "epsilon-plus-flat"):
        expected = lrp(network, seen, 1, composite=composite).values
        assert torch.allclose(lrp(model, points, 1, composite=composite).values, expected, atol=1e-6)


@pytest.mark.parametrize("composite", ["epsilon", "epsilon-plus-flat"])
def test_transformers_share_by_what_attention_mixes(composite):
    network, points = seeded(TinyViT).eval().double(), pictures().double()
    found = lrp(network, points, 1, composite=composite)
    assert found.values.isfinite().all()
    assert found.values.flatten(1).norm(dim=1).min() > 0
    with torch.no_grad():
        assert torch.allclose(found.difference, network(points)[:, 1])


def test_attention_without_biases_conserves():
    class Mixing(nn.Module):
        def __init__(self):
            super().__init__()
            self.lift = nn.Linear(6, 8, bias=False)
            self.norm = nn.LayerNorm(8, bias=False)
            self.mix = nn.MultiheadAttention(8, 2, bias=False, batch_first=True)
            self.head = nn.Linear(8, CLASSES, bias=False)

        def forward(self, x):
            x = self.lift(x)
            mixed, weights = self.mix(self.norm(x), self.norm(x), self.norm(x))
            assert torch.allclose(weights.sum(-1), torch.ones_like(weights[..., 0]))
            return self.head(F.gelu(x + mixed).mean(dim=1))

    network, points = seeded(Mixing).eval().double(), torch.randn(2, 5, 6, dtype=torch.float64)
    found = lrp(network, points, 1, composite="epsilon", epsilon=1e-12)
    assert (found.relative_gap < 1e-6).all()
    with torch.no_grad():
        assert torch.allclose(found.difference, network(points)[:, 1])


def zennit_relevance(network, composite, points, target):
    torchvision_operators.declare()
    from zennit.attribution import Gradient

    leaf = points.clone().requires_grad_()
    with Gradient(model=network, composite=composite) as attributor:
        _, found = attributor(leaf, lambda scores: F.one_hot(torch.tensor([target] * len(points)), CLASSES) * scores)
    return found.detach()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("composite", ["epsilon-plus", "epsilon-plus-flat", "epsilon-gamma-box"])
def test_equal_to_zennit(composite):
    torchvision_operators.declare()
    from zennit import composites
    from zennit.canonizers import SequentialMergeBatchNorm

    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(8, CLASSES),
    ).eval().double()  # fmt: skip
    for layer in (network[1], network[5]):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
    points = torch.randn(2, 3, SIZE, SIZE, dtype=torch.float64)
    made = {
        "epsilon-plus": composites.EpsilonPlus,
        "epsilon-plus-flat": composites.EpsilonPlusFlat,
        "epsilon-gamma-box": lambda **more: composites.EpsilonGammaBox(
            low=torch.full((1, 3, 1, 1), LOW), high=torch.full((1, 3, 1, 1), HIGH), **more
        ),
    }[composite](canonizers=[SequentialMergeBatchNorm()])
    expected = zennit_relevance(network, made, points, 1)
    found = lrp(network, points, 1, composite=composite, bounds=(LOW, HIGH)).values
    # zennit stabilises its average pooling too, by 1e-6 of what comes out
    assert (found - expected).norm() < 1e-4 * expected.norm()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rule", ["epsilon", "gamma", "z-plus"])
def test_equal_to_captum(rule):
    from captum.attr import LRP
    from captum.attr._utils import lrp_rules

    class Plain(Residual):
        def forward(self, x):
            return self.head(self.pool(self.act2(self.norm(self.inner(self.act1(self.stem(x)))))).flatten(1))

    network = seeded(lambda: Plain(bias=True, normed=False)).eval()
    network.norm, network.act1, network.act2 = nn.Dropout(), nn.ReLU(), nn.ReLU()
    network.pool = nn.AdaptiveAvgPool2d(1)
    network.eval()
    for layer in (network.stem, network.inner):  # captum runs a layer anew without its bias, and what turns negative
        layer.bias.data.abs_().neg_()  # by that is cut by its next ReLU; with biases below 0 nothing does
    theirs, ours = {
        "epsilon": (lrp_rules.EpsilonRule, epsilon(1e-9)),
        "gamma": (lambda: lrp_rules.GammaRule(0.5, set_bias_to_zero=True), gamma(0.5, bias=False)),
        "z-plus": (lambda: lrp_rules.Alpha1_Beta0_Rule(set_bias_to_zero=True), z_plus(bias=False)),
    }[rule]
    network.stem.rule, network.inner.rule = theirs(), theirs()
    expected = LRP(network).attribute(pictures(), target=2)
    found = lrp(network, pictures(), 2, composite=lambda kind, index: ours if index < 2 else epsilon(1e-9)).values
    assert (found - expected).norm() < 1e-5 * expected.norm()


def test_versus_is_the_difference_of_both_for_the_epsilon_rule():
    network, points = seeded(Residual).double(), pictures().double()
    apart = [lrp(network, points, each, composite="epsilon", epsilon=1e-12).values for each in (1, 2)]
    both = lrp(network, points, 1, versus=2, composite="epsilon", epsilon=1e-12)
    assert torch.allclose(both.values, apart[0] - apart[1], atol=1e-7)
    assert gradient(network, points, 1).completeness_gap is None


def test_what_makes_no_sense():
    network = seeded(Residual)
    with pytest.raises(OptionError, match='no composite "epsilon-flat"; expected one of epsilon, epsilon-gamma'):
        lrp(network, pictures(), 0, composite="epsilon-flat")
    with pytest.raises(OptionError, match=r"epsilon is 0\.0, gamma 0.25, bounds \(0.0, 1.0\); expected epsilon > 0"):
        lrp(network, pictures(), 0, epsilon=0.0)
    with pytest.raises(ModelError, match="lrp changes how gradients pass conv1d"):
        lrp(lambda x: x[:, :2] * 3, torch.rand(2, 4), 0)
    attention = nn.MultiheadAttention(6, 2, add_bias_kv=True, batch_first=True)
    with pytest.raises(ModelError, match="lrp met attention with bias_k; expected attention without"):
        lrp(lambda x: attention(x, x, x)[0].sum(dim=1), torch.rand(2, 4, 6), 0)

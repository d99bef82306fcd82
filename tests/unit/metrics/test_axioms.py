"""The axioms, on functions of which it is known who keeps and who breaks them."""

import pytest
import torch
from small_networks import SIZE, Convnet, TinyViT, pictures, seeded, smooth

from cutaway import Model, Preprocess
from cutaway.attribution import Attribution, gradient
from cutaway.core.errors import ModelError, OptionError
from cutaway.metrics import completeness, dummy, implementation_invariance, linearity, sensitivity
from cutaway.metrics.rewired import Twin


def saturated(x):
    """min(x, 1) of each value, added up: the gradient does not see a value that is beyond 1."""
    return x.clamp(max=1).sum(dim=1, keepdim=True)


def inner(x):
    """relu(relu(x1) - 1 - relu(x2)): the paper's figure 7, first network."""
    one, two = x[:, :1], x[:, 1:2]
    return torch.relu(torch.relu(one) - 1 - torch.relu(two))


def outer(x):
    """relu(relu(x1 - 1) - relu(x2)): the same function for the inputs below, in another network."""
    one, two = x[:, :1], x[:, 1:2]
    return torch.relu(torch.relu(one - 1) - torch.relu(two))


def brightness(forward, inputs, target=None, **options):
    """No explanation at all: the picture itself."""
    return Attribution(inputs.clone(), torch.zeros(len(inputs), dtype=torch.long), "brightness")


def scaled(forward, inputs, target=None, **options):
    """A gradient that is scaled to a largest value of 1, as for display."""
    found = gradient(forward, inputs, target)
    values = found.values / found.values.abs().flatten(1).amax(dim=1).view(-1, 1, 1, 1)
    return Attribution(values, found.target, "scaled")


def test_sensitivity_is_what_a_gradient_lacks_where_a_function_saturates():
    beyond = torch.full((6, 5), 2.0)
    assert sensitivity(saturated, "gradient", beyond, 0).value == 0
    assert sensitivity(saturated, "integrated_gradients", beyond, 0).value == 1
    nothing = sensitivity(saturated, "gradient", torch.zeros(6, 5), 0)
    assert nothing.n == 0  # the one feature changes nothing, so nothing can be said


def test_sensitivity_of_a_network():
    assert sensitivity(seeded(Convnet), "integrated_gradients", pictures(4), 1).value == 1


@pytest.mark.parametrize(
    ("method", "options"),
    [("gradient", {}), ("integrated_gradients", {}), ("occlusion", {"window": (3, 1, 1), "stride": (3, 1, 1)})],
)
def test_what_the_score_does_not_depend_on_gets_nothing(method, options):
    found = dummy(Model(seeded(Convnet), Preprocess(SIZE)), method, pictures(3), 2, **options)
    assert found.value == pytest.approx(0, abs=1e-6)
    assert found.n == 3


def test_a_picture_breaks_dummy():
    assert dummy(seeded(Convnet), brightness, pictures(3)).value > 0.05


def test_gradients_do_not_depend_on_how_a_function_is_written_and_guided_ones_do():
    points = torch.tensor([[3.0, 1.0], [4.0, 1.5], [2.5, 0.5]])
    assert torch.equal(inner(points), outer(points))
    for method in ("gradient", "integrated_gradients"):
        assert implementation_invariance(inner, method, points, 0, other=outer).value == pytest.approx(0, abs=0.02)
    module, other = torch.nn.Module(), torch.nn.Module()
    module.forward, other.forward = inner, outer
    deconvolved = implementation_invariance(module, "deconvnet", points, 0, other=other)
    assert deconvolved.n == 3


def test_twins_answer_the_same_and_guided_backprop_is_not_defined_by_the_function():
    network, points = seeded(Convnet), pictures(3)
    network.eval()
    torch.testing.assert_close(Twin(network)(points.clone()), network(points.clone()))
    assert implementation_invariance(network, "gradient", points, 1).value == pytest.approx(0, abs=1e-5)
    with pytest.raises(ModelError, match="guided_backprop changes how gradients pass relu"):
        implementation_invariance(network, "guided_backprop", points, 1)
    assert implementation_invariance(seeded(TinyViT), "gradient", points, 1).value == pytest.approx(0, abs=1e-4)


def test_networks_that_are_not_one_function():
    with pytest.raises(ModelError, match="answer different scores; expected one function written in two ways"):
        implementation_invariance(inner, "gradient", torch.rand(3, 2) + 2, 0, other=saturated)
    with pytest.raises(ModelError, match="calls no relu, gelu or silu"):
        implementation_invariance(smooth(), "gradient", torch.rand(3, 6))


def test_completeness_is_the_gap_as_a_share():
    points = torch.rand(4, 6, generator=torch.Generator().manual_seed(0))
    network = smooth()
    exact = completeness(network, "integrated_gradients", points, 1)
    assert exact.value < 1e-4
    rough = completeness(network, "input_x_gradient", points, 1)
    with torch.no_grad():
        ends = network(points)[:, 1] - network(torch.zeros(4, 6))[:, 1]
    sums = gradient(network, points, 1).values.mul(points).sum(dim=1)
    assert rough.value == pytest.approx(float(((sums - ends) / ends).abs().mean()), rel=1e-4)


def test_linearity():
    network, points = Model(seeded(Convnet), Preprocess(SIZE)), pictures(3)
    for method in ("gradient", "integrated_gradients"):
        assert linearity(network, method, points, (0, 2)).value == pytest.approx(0, abs=1e-4)
    assert linearity(network, scaled, points, (0, 2)).value > 0.05
    with pytest.raises(OptionError, match=r"classes \(1, 1\); expected two different ones from 0 to 3"):
        linearity(network, "gradient", points, (1, 1))

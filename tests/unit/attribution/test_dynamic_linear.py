import pytest
import torch
from small_networks import SIZE, Convnet, pictures, seeded
from torch import nn

from cutaway import Model, Preprocess
from cutaway.attribution import dynamic_linear, gradient
from cutaway.nets.zoo.bcos_net import bcos_net
from cutaway.nets.zoo.clear_net import clear_net
from cutaway.whitebox import BcosConv2d, weighs, weights_held

PREPROCESS = Preprocess(SIZE, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))


def white_box(build):
    torch.manual_seed(0)
    return Model(build(4).eval(), PREPROCESS)


@pytest.mark.parametrize("build", [clear_net, bcos_net])
@pytest.mark.parametrize("versus", [None, 0])
def test_shares_add_up_to_the_score_of_a_white_box(build, versus):
    model, points = white_box(build), torch.rand(2, 3, 32, 32)
    found = dynamic_linear(model, points, torch.tensor([1, 3]), versus=versus)
    scores = model(points)
    told = scores[[0, 1], [1, 3]] - (0 if versus is None else scores[:, versus])
    assert torch.allclose(found.values.flatten(1).sum(1), told, atol=1e-5)
    assert torch.allclose(found.difference, told, atol=1e-6)
    assert found.relative_gap.max() < 1e-4


def test_it_is_the_linear_map_with_weights_held_and_not_the_gradient():
    model, points = white_box(clear_net), torch.rand(1, 3, 32, 32)
    seen = points - torch.tensor(PREPROCESS.mean)[:, None, None]
    with weights_held(model.module):
        by_hand = gradient(model, points, 2).values * seen
    assert torch.allclose(dynamic_linear(model, points, 2).values, by_hand, atol=1e-7)
    plain = gradient(model, points, 2).values * seen
    assert (plain - by_hand).norm() > 0.1 * by_hand.norm()


def test_what_offsets_say_is_left_over_and_told():
    layer = nn.Linear(6, 3).double()
    points = torch.randn(4, 6, dtype=torch.float64)
    found = dynamic_linear(layer, points, 1)
    assert torch.allclose(found.values, points * layer.weight[1])
    assert torch.allclose(found.completeness_gap, -layer.bias[1].expand(4))


def test_layers_that_weigh_are_found_and_given_back():
    model = white_box(bcos_net)
    assert weighs(model.module)
    assert not weighs(seeded(Convnet))
    dynamic_linear(model, torch.rand(1, 3, 32, 32), 0)
    assert not any(layer.detach for layer in model.module.modules() if isinstance(layer, BcosConv2d))


def test_a_batch_in_portions_is_the_batch_at_once():
    network, points = seeded(Convnet), pictures()
    whole = dynamic_linear(network, points, 1)
    parts = dynamic_linear(network, points, 1, batch_size=2)
    assert torch.allclose(whole.values, parts.values, atol=1e-6)
    assert torch.allclose(whole.completeness_gap, parts.completeness_gap, atol=1e-5)

"""The white-box networks: scores add up from pixels, batch mates have no say, weights stay positive, all is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.nets.zoo.airbench_net import airbench_net
from cutaway.nets.zoo.bagnet import bagnet
from cutaway.nets.zoo.bcos_net import bcos_net
from cutaway.nets.zoo.bias_free_net import bias_free_net
from cutaway.nets.zoo.bucket_net import bucket_net
from cutaway.nets.zoo.clear_net import clear_net
from cutaway.nets.zoo.conjunctions import conjunction_disjunction, directional
from cutaway.nets.zoo.gumbel_net import gumbel_net
from cutaway.nets.zoo.positive_net import positive_net
from cutaway.nets.zoo.prototype_net import PrototypeNet, deformable_prototypes, protopnet
from cutaway.nets.zoo.shallow_net import KERNELS, NORMS, shallow_net
from cutaway.nets.zoo.two_layer_net import KINDS, two_layer_net
from cutaway.whitebox import GumbelConv2d, MatchConv2d, PositiveConv2d, weights_held

EXACT: dict[str, Callable[[], nn.Module]] = {
    "clear": lambda: clear_net(5, (8, 12), 4),
    "bias-free": lambda: bias_free_net(5, (8, 12), 4),
    "bias-free, ReLU": lambda: bias_free_net(5, (8, 12), 4, gate=nn.ReLU),
    "conjunction_disjunction": lambda: conjunction_disjunction(3, 2, (8, 12), 4),
    "directional": lambda: directional(3, 2, 2, (8, 12), 4),
    "gumbel": lambda: gumbel_net(4, (8, 8), (1, 2), whitening=4),
    "positive": lambda: positive_net(4, 8, 12, cases=2),
    "positive, shared gates": lambda: positive_net(4, 8, 12, shared=3, own=0.5),
    "bagnet": lambda: bagnet(4, (8, 8, 12), whitening=4),
    "bcos": lambda: bcos_net(4, (6, 8)),
    "shallow": lambda: shallow_net(4, (8, 8), whitening=4),
    "shallow, perspective and window": lambda: shallow_net(4, (8, 8), ("perspective", "plain"), head="window"),
    "shallow, scale and no stem": lambda: shallow_net(4, (8, 8), ("scale", "positive"), norm="none", whitening=0),
    "buckets": lambda: bucket_net(4, (4, 6), 3, 6, whitening=4),
    "buckets, mean": lambda: bucket_net(4, (4, 6), 3, 6, best=False, whitening=4),
}
OTHERS: dict[str, Callable[[], nn.Module]] = {
    "airbench": lambda: airbench_net(4, (8, 8, 8), 4),
    "protopnet": lambda: protopnet(3, 2, 8),
    "two layers, anywhere": lambda: two_layer_net(2, "anywhere", 20),
    "two layers, directions": lambda: two_layer_net(2, "directions", 8),
    "two layers, Gumbel": lambda: two_layer_net(2, "gumbel", 8, 6),
    "two layers, positive": lambda: two_layer_net(3, "positive", 8, 6, scaled=True),
    "deformable": lambda: deformable_prototypes(3, 2, 8),
    "shallow, whole picture, batch normalisation": lambda: shallow_net(4, (8, 8), head="whole", norm="batch"),
}


def trained_a_little(build: Callable[[], nn.Module]) -> nn.Module:
    """The network after two batches, so that its norms know sizes other than one; in eval, in float64."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = build().double()
        for _ in range(2):
            network(2 * torch.randn(8, 3, 32, 32, dtype=torch.float64))
    return network.eval()


def pictures(count: int = 3) -> Tensor:
    return torch.randn(count, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", EXACT)
def test_scores_add_up_from_pixels(name: str) -> None:
    network, inputs = trained_a_little(EXACT[name]), pictures().requires_grad_()
    with weights_held(network):
        scores = network(inputs)
        for target in range(scores.shape[1]):
            (slope,) = torch.autograd.grad(scores[:, target].sum(), inputs, retain_graph=True)
            torch.testing.assert_close((slope * inputs).sum((1, 2, 3)), scores[:, target], rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(network(inputs), scores)  # holding changes no score


def test_the_black_box_does_not_add_up() -> None:
    network, inputs = trained_a_little(OTHERS["airbench"]), pictures().requires_grad_()
    (slope,) = torch.autograd.grad((score := network(inputs)[:, 0]).sum(), inputs)
    gaps = ((slope * inputs).sum((1, 2, 3)) - score).detach().abs()
    assert float(gaps.max()) > 1e-3 * float(score.detach().abs().max())


@pytest.mark.parametrize("name", [*EXACT, *OTHERS])
def test_no_picture_s_answer_depends_on_the_others(name: str) -> None:
    network, inputs = trained_a_little((EXACT | OTHERS)[name]), pictures()
    torch.testing.assert_close(network(inputs)[1:2], network(inputs[1:2]))


@pytest.mark.parametrize("name", [*EXACT, *OTHERS])
def test_saved_and_loaded(name: str, tmp_path: Path) -> None:
    build = (EXACT | OTHERS)[name]
    network, other = trained_a_little(build), build().double().eval()
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(network(pictures()), other(pictures()))


def test_above_the_first_layer_no_weight_is_negative() -> None:
    network = positive_net(4, 8, 12, cases=2)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | MatchConv2d)]
    assert [isinstance(layer, PositiveConv2d) for layer in convolutions] == [False, True, True]
    optimizer = torch.optim.SGD(network.parameters(), 5.0)
    network(torch.randn(4, 3, 32, 32))[:, 0].sum().backward()
    optimizer.step()
    assert all(float(layer.weight.detach().min()) >= 0 for layer in convolutions[1:])


def test_gumbel_layers_read_as_many_channels_as_they_say_and_export_as_they_are() -> None:
    network = trained_a_little(EXACT["gumbel"])
    before = network(pictures())
    for name, k in (("layer1", 1), ("layer2", 2)):
        layer = network.get_submodule(name)
        assert isinstance(layer, nn.Sequential)
        conv = layer.get_submodule("conv")
        assert isinstance(conv, GumbelConv2d)
        plain = conv.to_conv2d()
        assert int((plain.weight != 0).sum(1).max()) <= k
        layer.conv = plain
    torch.testing.assert_close(network(pictures()), before)


@pytest.mark.parametrize("size", [32, 64, 96])
def test_mosaics_of_any_size(size: int) -> None:
    for build in EXACT.values():
        assert build().eval()(torch.randn(1, 3, size, size)).ndim == 2


def test_kernels_norms_and_heads_are_those_asked_for() -> None:
    for kernel in KERNELS:
        for norm in NORMS:
            network = shallow_net(3, (4, 4), (kernel, "plain"), norm, whitening=4).eval()
            assert network(torch.randn(2, 3, 32, 32)).shape == (2, 3)
    kept = [name for name, p in shallow_net(3, norm="batch, no scale").named_parameters() if not p.requires_grad]
    assert kept == ["stem.whiten.weight", "layer1.norm.weight", "layer2.norm.weight"]
    assert sum(p.numel() for p in shallow_net(3, head="whole").get_submodule("evidence").parameters()) == 3 * 64 * 4 * 4


def test_a_bucket_reads_its_own_backbone_and_the_best_one_is_the_answer() -> None:
    network = trained_a_little(lambda: bucket_net(2, (4, 6), backbones=3, buckets=3, whitening=4))
    assert isinstance(network, nn.Sequential)
    maps = network[:-5](pictures())  # behind the pooling: 3 backbones of 6 channels
    assert maps.shape == (3, 18, 1, 1)
    alone = maps.clone()
    alone[:, :12] = 0  # the last backbone
    buckets = network[-5:-3](alone).unflatten(1, (2, 3))
    assert bool((buckets[:, :, :2] == 0).all())
    assert bool((buckets[:, :, 2] != 0).all())


def test_a_bag_unit_sees_ten_pixels() -> None:
    network, inputs = trained_a_little(EXACT["bagnet"]), pictures(1).requires_grad_()
    assert isinstance(network, nn.Sequential)
    evidence = network[:-3](inputs)
    (slope,) = torch.autograd.grad(evidence[0, 0, 7, 7], inputs)
    rows = slope.abs().sum((0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 10


def test_a_prototype_network_begins_with_its_own_class_for_and_others_against() -> None:
    network = protopnet(3, 2, 8)
    assert isinstance(network, PrototypeNet)
    assert network.head.weight[1].tolist() == [-0.5, -0.5, 1.0, 1.0, -0.5, -0.5]


@pytest.mark.parametrize("kind", KINDS)
def test_two_layers_have_the_shape_of_the_research_log(kind: str) -> None:
    network = two_layer_net(2, kind).eval()
    assert network.get_parameter("edges.conv.weight").shape == (120, 3, 10, 10)
    if kind == "anywhere":  # 24 cases of five parts, a dozen for each class
        assert network[:3](torch.zeros(1, 3, 32, 32)).shape == (1, 24)
    else:
        units, side = (120, 4) if kind == "directions" else (60, 3)
        assert network.get_submodule("edges")(torch.zeros(1, 3, 32, 32)).shape == (1, 120, side, side)
        assert network.get_submodule("parts.conv").weight.shape == (units, 120, side, side)
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 2)


def test_two_layers_of_an_unknown_kind_are_an_error() -> None:
    with pytest.raises(OptionError, match=r'no kind "positve"; expected one of .* did you mean "positive"'):
        two_layer_net(2, "positve")

"""The dataflow graph, against truth that was written down by hand."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from networks import of, seeded
from small_networks import SIZE, Convnet, Reused, TinyViT
from small_networks import seeded as small
from torch import Tensor, nn

from cutaway.nets import Model, Preprocess
from cutaway.nets.zoo.squeezenet import Fire
from cutaway.trace import LayerGraph, graph


def edges(network: nn.Module, size: int = SIZE) -> set[tuple[str, str]]:
    found = graph(Model(network, Preprocess(size=size)))
    assert found.source == "observed pass"
    names = [node.name for node in found.nodes]
    assert len(set(names)) == len(names)
    assert all(names.index(start) < names.index(end) for start, end in found.edges)
    return set(found.edges)


def chain(*names: str) -> set[tuple[str, str]]:
    return set(pairwise(names))


class Residual(nn.Module):
    """A basic block with a projection, its ReLU in place and its sum in place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.project = nn.Conv2d(3, 4, 1)
        self.same = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        beside = self.project(x)
        out = self.relu(self.norm(self.conv(x)))
        out += beside
        inner = self.same(out)
        return (F.relu(inner) + out).mean(dim=(2, 3))


def test_a_residual_block_in_place() -> None:
    assert edges(small(Residual)) == (
        chain("input", "conv", "norm", "relu", "add()#0", "same", "relu()", "add()#1", "mean()", "output")
        | chain("input", "project", "add()#0", "add()#1")  # the sum is of what went into the identity, too
    )


class Concat(nn.Module):
    """One Fire module of SqueezeNet."""

    def __init__(self) -> None:
        super().__init__()
        self.fire = Fire(3, 2, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fire(x).mean(dim=(2, 3))


def test_a_concatenation() -> None:
    assert edges(small(Concat)) == (
        chain("input", "fire.squeeze", "fire.squeeze_activation", "fire.expand1x1", "fire.expand1x1_activation")
        | chain("fire.squeeze_activation", "fire.expand3x3", "fire.expand3x3_activation", "fire.cat()")
        | chain("fire.expand1x1_activation", "fire.cat()", "mean()", "output")
    )


def test_a_convnet_in_place() -> None:
    assert edges(small(Convnet)) == chain(
        "input", "first", "conv1", "norm", "act1", "pool", "conv2", "act2", "mean()", "drop", "head", "output"
    )


def test_layers_that_are_called_twice() -> None:
    assert edges(small(Reused)) == (
        chain("input", "lift", "conv#0", "act#0", "conv#1", "act#1", "add()", "adaptive_avg_pool2d()", "head", "output")
        | {("lift", "add()")}
    )


class Functional(nn.Module):
    """No layers at all."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        maps = F.relu(F.conv2d(x, self.weight))
        gate = torch.sigmoid(F.adaptive_avg_pool2d(maps, 1))
        return torch.flatten(F.max_pool2d(maps * gate, 10), 1)


def test_functions_alone() -> None:
    assert edges(small(Functional)) == (
        chain("input", "conv2d()", "relu()", "adaptive_avg_pool2d()", "sigmoid()", "mul()", "max_pool2d()", "output")
        | {("relu()", "mul()")}
    )


def test_a_block_of_a_vision_transformer() -> None:
    found = edges(small(TinyViT))
    inside = "blocks.0"
    expected = (
        chain("input", "patch", "cat()", "add()", f"{inside}.norm1", f"{inside}.self_attn", f"{inside}.dropout1")
        | chain("add()", f"{inside}.add()#0", f"{inside}.norm2", f"{inside}.linear1", f"{inside}.gelu()")
        | chain(f"{inside}.gelu()", f"{inside}.dropout", f"{inside}.linear2", f"{inside}.dropout2", f"{inside}.add()#1")
        | chain(f"{inside}.dropout1", f"{inside}.add()#0", f"{inside}.add()#1", "blocks.1.norm1")
    )
    assert expected <= found
    assert {end for start, end in found if start == "norm"} == {"head"}
    own = {edge for edge in found if all(name.startswith(f"{inside}.") for name in edge)}
    assert own == {edge for edge in expected if all(name.startswith(f"{inside}.") for name in edge)}


class Views(nn.Module):
    """Parts of one tensor take different ways; one part is written through a view."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 1)
        self.left = nn.Conv2d(3, 3, 1)
        self.right = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        one, other = self.conv(x).chunk(2, dim=1)
        both = torch.cat([self.left(one), self.right(other)], dim=1)
        both[:, 0] = 0.5
        both[:, 1:2].mul_(2)
        return both.mean(dim=(2, 3))


def test_views_are_no_nodes_but_writing_through_them_is() -> None:
    assert edges(small(Views)) == (
        chain("input", "conv", "left", "cat()", "setitem()", "mul()", "mean()", "output")
        | chain("conv", "right", "cat()")
    )


def test_shapes_kinds_parameters_and_plain_data() -> None:
    found = graph(Model(small(Convnet), Preprocess(size=SIZE)))
    node = found.node("conv1")
    assert (node.kind, node.layer, node.shape, node.parameters) == ("Conv2d", "conv1", (6, 12, 12), 168)
    assert (found.node("mean()").kind, found.node("mean()").layer) == ("mean", None)
    assert (found.node("input").shape, found.node("output").shape) == ((3, 12, 12), (4,))
    assert found.before("conv1") == ("first",)
    assert found.after("conv1") == ("norm",)
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["edges"][0] == ["input", "first"]
    assert plain["nodes"][2]["shape"] == [6, 12, 12]


class Hidden(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x * 2


class OutOfSight(nn.Module):
    """Leaves torch for a while, so that nobody can follow the data."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.conv(x)
        return torch.from_numpy(maps.detach().numpy().mean(axis=(2, 3)))


def test_where_the_data_cannot_be_followed_the_graph_says_so() -> None:
    found = graph(Model(small(OutOfSight), Preprocess(size=SIZE)))
    assert found == LayerGraph(found.nodes, (("input", "conv"), ("conv", "output")), "order of calls")


def test_a_bare_module_and_inputs_of_its_own() -> None:
    net = nn.Sequential(nn.Linear(6, 5), nn.Tanh())
    assert set(graph(net, torch.rand(2, 6)).edges) == chain("input", "0", "1", "output")


def test_nothing_is_left_in_the_network() -> None:
    model = of(seeded(Residual), 12, 12)
    graph(model)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.module.modules())


def test_a_network_that_fails_leaves_no_hook() -> None:
    class Failing(Residual):
        def forward(self, x: Tensor) -> Tensor:
            if torch.is_grad_enabled() or len(x) > 1:
                return super().forward(x)
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls > 1:  # the layer table still sees it whole
                self.conv(x)
                raise ZeroDivisionError
            return super().forward(x)

    model = of(seeded(Failing), 12, 12)
    with pytest.raises(ZeroDivisionError):
        graph(model)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.module.modules())

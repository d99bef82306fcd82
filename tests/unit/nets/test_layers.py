"""The layer table: what is called, in which order, how often."""

from __future__ import annotations

import pytest
import torch
from small_networks import SIZE, Convnet, Reused, TinyViT, seeded
from torch import Tensor, nn

from cutaway.core.errors import LayerError
from cutaway.nets import Model, Preprocess

PREPROCESS = Preprocess(size=SIZE)


def model(factory: type[nn.Module]) -> Model:
    return Model(seeded(factory), PREPROCESS)


def test_the_table_of_a_convnet() -> None:
    found = [(info.name, info.kind, info.shape) for info in model(Convnet).layers()]
    assert found == [
        ("first", "ReLU", (3, 12, 12)),
        ("conv1", "Conv2d", (6, 12, 12)),
        ("norm", "BatchNorm2d", (6, 12, 12)),
        ("act1", "ReLU", (6, 12, 12)),
        ("pool", "MaxPool2d", (6, 6, 6)),
        ("conv2", "Conv2d", (8, 6, 6)),
        ("act2", "ReLU", (8, 6, 6)),
        ("drop", "Dropout", (8,)),
        ("head", "Linear", (4,)),
    ]


def test_parameters_are_counted() -> None:
    assert model(Convnet).layer("conv1").parameters == 3 * 6 * 9 + 6


def test_a_layer_called_twice_is_addressed_by_its_calls() -> None:
    table = model(Reused)
    assert table.layer("conv#1").calls == 2
    assert table.layer("conv#1").names == ("conv#0", "conv#1")
    with pytest.raises(LayerError, match=r'layer "conv" of Reused is called 2 times .*; try conv#0, conv#1'):
        table.layer("conv")
    with pytest.raises(LayerError, match='no call "conv#2" in Reused: conv is called 2 times; try conv#1'):
        table.layer("conv#2")


def test_a_leaf_is_a_layer_within_which_no_layer_is_called() -> None:
    leaves = {info.name: info.leaf for info in model(TinyViT).layers()}
    assert not leaves["blocks.0"]
    assert leaves["blocks.0.self_attn"]  # its output projection is a module, but is not called as one
    assert "blocks.0.self_attn.out_proj" not in leaves
    assert leaves["head"]


def test_an_unknown_layer_names_the_nearest() -> None:
    with pytest.raises(LayerError) as caught:
        model(Convnet).layer("conv3")
    assert str(caught.value) == (
        'no layer "conv3" in Convnet (it has 9 layers, first to head); did you mean "conv2", "conv1"?'
    )


class Bare(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))


def test_a_network_without_layers() -> None:
    assert Model(Bare(), PREPROCESS).layers() == ()
    with pytest.raises(LayerError, match="in Bare: it has no layers; expected a network of submodules"):
        Model(Bare(), PREPROCESS).layer("conv")


def test_a_scripted_network_hides_its_layers() -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        scripted = torch.jit.script(nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    hidden = Model(scripted, PREPROCESS)
    assert hidden(torch.rand(1, 3, SIZE, SIZE)).shape == (1, 2)
    with pytest.raises(LayerError, match=r"is scripted or traced .*; expected an eager torch.nn.Module"):
        hidden.layers()


def test_the_table_follows_the_network() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    changing = Model(net, PREPROCESS)
    assert changing.layers()[1].kind == "ReLU"
    assert changing.layers() is changing.layers()  # one pass for all questions
    net[1] = nn.Tanh()
    assert changing.layers()[1].kind == "Tanh"
    net[0] = nn.Conv2d(3, 5, 3)
    assert changing.layers()[0].shape[0] == 5

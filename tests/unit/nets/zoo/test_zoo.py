"""The zoo: every network has the shapes that its entry says; public weights load and fit the public code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision_operators
from safetensors.torch import load_file
from torch import nn

from cutaway.core.errors import OptionError
from cutaway.nets.zoo import ZOO, ZooEntry, cifar_resnet, squeezenet1_1


@pytest.mark.parametrize("entry", ZOO.values(), ids=lambda entry: entry.name)
def test_an_entry_is_what_it_says(entry: ZooEntry) -> None:
    assert ZOO[entry.name] is entry
    module = entry.build().eval()
    with torch.no_grad():
        logits = module(torch.zeros(2, *entry.preprocess.shape))
    assert logits.shape == (2, entry.classes)
    assert entry.labels is None or len(entry.labels) == entry.classes
    assert (entry.weights is not None) == entry.shipped


@pytest.mark.parametrize("entry", ZOO.values(), ids=lambda entry: entry.name)
def test_no_layer_is_called_twice_or_in_place(entry: ZooEntry) -> None:
    module = entry.build().eval()
    calls = dict.fromkeys((layer for layer in module.modules() if not any(layer.children())), 0)

    def count(layer: nn.Module, _: object, __: object) -> None:
        calls[layer] += 1

    for layer in calls:
        layer.register_forward_hook(count)
    with torch.no_grad():
        module(torch.zeros(1, *entry.preprocess.shape))
    assert set(calls.values()) == {1}
    assert not any(getattr(layer, "inplace", False) for layer in calls)


@pytest.mark.parametrize(("depth", "parameters"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85)])
def test_resnets_have_the_papers_sizes(depth: int, parameters: float) -> None:
    module = cifar_resnet(depth)
    assert sum(p.numel() for p in module.parameters()) / 1e6 == pytest.approx(parameters, abs=0.006)
    weighted = [layer for layer in module.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    assert len(weighted) == depth


def test_a_resnet_of_another_depth() -> None:
    with pytest.raises(OptionError, match=r"a CIFAR ResNet of 21 layers; expected 6n \+ 2; try 20, 32, 44 or 56"):
        cifar_resnet(21)


def test_squeezenet_has_torchvisions_parameters() -> None:
    torchvision_operators.declare()
    models = pytest.importorskip("torchvision.models")
    theirs, ours = models.squeezenet1_1(), squeezenet1_1()
    ours.load_state_dict(theirs.state_dict())
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(pictures), theirs.eval()(pictures))


@pytest.mark.parametrize(
    ("name", "file"), [("resnet20", "resnet20_cifar10"), ("squeezenet1_1", "squeezenet1_1_imagenet")]
)
def test_public_weights_load(shared: Path, name: str, file: str) -> None:
    ZOO[name].build().load_state_dict(load_file(shared / "models" / f"{file}.safetensors"))

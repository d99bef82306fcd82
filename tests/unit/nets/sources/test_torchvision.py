"""torchvision: its classifiers, with the preprocessing and labels of their published weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.core.errors import ModelError
from cutaway.data.pictures import from_pil
from cutaway.nets import load
from cutaway.nets.sources import torchvision as source


def test_all_eighty_classifiers_are_there(torchvision: Any) -> None:
    assert len(source.names()) == 80
    assert "fcn_resnet50" not in source.names()  # it segments


def test_random_weights_are_asked_for_and_noted(torchvision: Any) -> None:
    model = load("torchvision:squeezenet1_1?weights=none")
    assert "random" in model.note
    assert model.labels is None  # what is random knows no classes
    assert model.weights_hash() == load("torchvision:squeezenet1_1?weights=none").weights_hash()
    assert load("torchvision:squeezenet1_1?classes=5")(torch.rand(1, 3, 64, 64)).shape == (1, 5)


def test_the_preprocessing_is_torchvisions(torchvision: Any) -> None:
    preset = torchvision.models.EfficientNet_V2_S_Weights.DEFAULT.transforms()
    found = source.preprocess_of(preset)
    assert (found.size, found.resize, found.interpolation) == (384, 384, "bilinear")
    preset = torchvision.models.SqueezeNet1_1_Weights.DEFAULT.transforms()
    noise = np.random.default_rng(0).integers(0, 255, (65, 75, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((300, 260))
    ours = source.preprocess_of(preset)
    expected = preset(image)
    mean, std = (torch.tensor(values)[:, None, None] for values in (ours.mean, ours.std))
    picture = from_pil(image)
    assert ((ours.fit(picture) - mean) / std - expected).abs().max() < 0.05  # Pillow rounds to 8 bits in between


def test_weights_from_a_file_have_the_published_labels(torchvision: Any, shared: Path) -> None:
    model = load(f"torchvision:squeezenet1_1@{shared}/models/squeezenet1_1_imagenet.safetensors")
    assert model.note == ""
    assert model.label(0) == "tench"
    ours = load(f"squeezenet1_1@{shared}/models/squeezenet1_1_imagenet.safetensors")
    pictures = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model(pictures), ours(pictures), atol=1e-4)


def test_published_weights_are_downloaded_when_they_can_be(torchvision: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        state = torchvision.models.squeezenet1_1().state_dict()
    weights = torchvision.models.SqueezeNet1_1_Weights
    monkeypatch.setattr(weights, "get_state_dict", lambda *_, **__: state)
    model = load("torchvision:squeezenet1_1")
    assert model.note == ""
    assert model.label(0) == "tench"
    assert torch.equal(model.module.features[0].weight, state["features.0.weight"])


def test_without_a_network_the_message_says_what_else_there_is(torchvision: Any, monkeypatch: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torchvision.models.SqueezeNet1_1_Weights, "get_state_dict", fail)
    with pytest.raises(ModelError) as caught:
        load("torchvision:squeezenet1_1")
    message = str(caught.value)
    assert "neither in the cache nor to be had (<urlopen error no network>)" in message
    assert '"torchvision:squeezenet1_1?weights=none"' in message


def test_an_unknown_name(torchvision: Any) -> None:
    with pytest.raises(ModelError, match=r'no classifier "resnet51" in torchvision .*; did you mean "resnet50"'):
        load("torchvision:resnet51")


def test_networks_are_made_as_for_their_published_weights(torchvision: Any) -> None:
    assert load("torchvision:googlenet?weights=none").module.transform_input  # it undoes the usual normalisation

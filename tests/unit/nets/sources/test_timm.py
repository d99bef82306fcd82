"""timm: its classifiers, with the preprocessing of their configurations."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from cutaway.core.errors import ModelError
from cutaway.nets import load
from cutaway.nets.sources import timm as source


def test_a_random_network_repeats(timm: Any) -> None:
    model = load("timm:resnet10t?weights=none")
    assert "random" in model.note
    assert model.labels is None
    assert model.weights_hash() == load("timm:resnet10t?weights=none").weights_hash()


def test_the_preprocessing_is_timms(timm: Any) -> None:
    module = timm.create_model("resnet10t")
    config = timm.data.resolve_data_config({}, model=module)
    found = source.preprocess_of(module.pretrained_cfg)
    assert found.shape == config["input_size"]
    assert (found.mean, found.std) == (config["mean"], config["std"])
    assert found.interpolation == config["interpolation"]
    assert found.resize == int(config["input_size"][1] / config["crop_pct"])
    squashed = source.preprocess_of({**module.pretrained_cfg, "crop_mode": "squash"})
    assert not squashed.crop


def test_published_weights_when_they_can_be_had(timm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, **options: make(name, **options))
    model = load("timm:resnet10t")
    assert model.note == ""
    assert model.label(0).startswith("tench")


def test_without_a_network_the_message_says_what_else_there_is(timm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("cannot reach the hub\nand more")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(
        ModelError, match=r"neither .* nor to be had \(cannot reach the hub\); .*resnet10t\?weights=none"
    ):
        load("timm:resnet10t")


def test_another_number_of_classes(timm: Any) -> None:
    model = load("timm:resnet10t?classes=3")
    assert model(torch.rand(1, 3, 64, 64)).shape == (1, 3)


def test_an_unknown_name_and_a_network_without_classes(timm: Any) -> None:
    with pytest.raises(ModelError, match=r'no classifier "resnet10x" in timm .*; did you mean "resnet10t"'):
        load("timm:resnet10x")
    with pytest.raises(ModelError, match="has no classes; expected a classifier"):
        load("timm:vit_small_patch14_dinov2?weights=none")

"""Every building block with the same code on every kind of network: SqueezeNet, ResNet, Inception v1, v2 and v3,
ConvNeXt and ViT with random weights, at sizes that keep this quick."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
import torchvision_operators

from cutaway import blocks
from cutaway.nets import Model, Preprocess, load
from cutaway.nets.zoo import ZOO
from cutaway.trace import layout

NETWORKS = {
    "squeezenet1_1": 64,
    "resnet20": 32,
    "inception_v1": 64,
    "inception_v2": 64,
    "inception_v3": 107,
    "timm:convnext_atto": 64,
    "timm:vit_tiny_patch16_224": 224,
}
"""Side of the pictures in pixels: small, but with more than one place in the deepest layer."""

CLASSES = 10


@cache
def network(spec: str) -> Model:
    if ":" in spec:
        torchvision_operators.declare()
        pytest.importorskip("timm")
        found = load(f"{spec}?weights=none&classes={CLASSES}")
        return Model(found.module, Preprocess(size=NETWORKS[spec]), name=spec)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = ZOO[spec].factory(classes=CLASSES)
    return Model(module, Preprocess(size=NETWORKS[spec], mean=(0.5,) * 3, std=(0.25,) * 3), name=spec)


QUICK = ("squeezenet1_1", "resnet20")
"""The others have tens of millions of parameters or hundreds of layers."""


@pytest.fixture(params=[each if each in QUICK else pytest.param(each, marks=pytest.mark.slow) for each in NETWORKS])
def model(request) -> Model:
    return network(request.param)


@pytest.fixture
def picture(model) -> torch.Tensor:
    return torch.rand(model.preprocess.shape, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path))


@pytest.fixture
def layer(model, picture) -> str:
    found = blocks.default_layer(model, picture)
    assert found is not None
    return found


def test_the_default_layer_has_places_and_one_before_it_feeds_it(model, picture, layer):
    assert layout(model, layer).spatial
    source = blocks.layer_before(model, picture, layer)
    assert source is not None
    found = blocks.spatial_attribution(model, picture, layer, source=source)
    assert found.through is not None
    assert found.through.isfinite().all()
    assert found.through.any()


def test_groups_and_rest_add_up(model, picture, layer):
    found = blocks.neuron_groups(model, picture, layer, 3, visualize=False, restarts=1)
    total = found.contributions.sum(1) + found.rest
    # Before a normalisation the whole adds next to nothing to the scores, so the parts say what counts as little.
    assert torch.allclose(total, found.linear, atol=1e-4 * float(found.contributions.abs().max()))
    assert found.contributions.any()
    assert found.measured.any()
    assert found.error < 1


def test_channels_and_places_share_one_total(model, picture, layer):
    """Both split the same linear part, once by channel and once by place; tokens of no place make the difference."""
    channels = blocks.channel_attribution(model, picture, layer, visualize=0)
    places = blocks.spatial_attribution(model, picture, layer)
    assert channels.target == places.target
    groups = blocks.neuron_groups(model, picture, layer, 2, visualize=False, restarts=0)
    linear = float(groups.linear[0, channels.target])
    assert float(channels.values.sum()) == pytest.approx(linear, rel=1e-3, abs=1e-5)
    if layout(model, layer).prefix == 0:
        assert float(places.values.sum()) == pytest.approx(linear, rel=1e-3, abs=1e-5)


def test_the_pictures(model, picture, layer):
    dictionary = blocks.semantic_dictionary(model, picture, layer, 2, at=[(0, 0)], visualize=1, steps=1)
    assert set(dictionary.at(0, 0).channels) <= set(dictionary.icons)
    grid = blocks.activation_grid(model, picture, layer, cells=2, size=16, steps=1)
    atlas = blocks.activation_atlas(model, picture, layer, cells=2, places=4, size=16, steps=1)
    for block in (dictionary, grid, atlas):
        assert np.ptp(block.draw()) > 0

"""The layouts of real architectures, and that the place which changed is the place that answers."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
import torchvision_operators

from cutaway.nets import Model, Preprocess
from cutaway.trace import activations, layout, layouts

SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
SWIN = {"patch_size": 2, "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 2], "window_size": 8}

TRUTH: list[tuple[str, dict[str, Any], str, str, tuple[int, int], int]] = [
    ("DeiT", SMALL | {"patch_size": 16}, "deit.embeddings.dropout", "tokens channels", (4, 4), 2),
    ("Beit", SMALL | {"patch_size": 8}, "beit.embeddings.dropout", "tokens channels", (8, 8), 1),
    ("Dinov2", SMALL | {"patch_size": 16}, "dinov2.embeddings.dropout", "tokens channels", (4, 4), 1),
    (
        *("Dinov2WithRegisters", SMALL | {"patch_size": 16}, "dinov2_with_registers.embeddings.dropout"),
        *("tokens channels", (4, 4), 5),
    ),
    ("Swin", SWIN, "swin.encoder.layers.0.blocks.0.layernorm_before", "tokens channels", (32, 32), 0),
    ("Swin", SWIN, "swin.encoder.layers.0.blocks.1.attention.q_proj", "places channels", (32, 32), 0),
    ("Swin", SWIN, "swin.encoder.layers.0.downsample.norm", "tokens channels", (16, 16), 0),
]


@pytest.fixture(scope="module")
def transformers() -> Any:
    torchvision_operators.declare()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own
        return pytest.importorskip("transformers")


def model(transformers: Any, name: str, options: dict[str, Any]) -> Model:
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        config = getattr(transformers, f"{name}Config")(**options, image_size=64)
        return Model(getattr(transformers, f"{name}ForImageClassification")(config), Preprocess(size=64))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options", "layer", "axes", "grid", "prefix"), TRUTH)
def test_axes_grid_prefix_and_places(
    transformers: Any, name: str, options: dict[str, Any], layer: str, axes: str, grid: tuple[int, int], prefix: int
) -> None:
    network = model(transformers, name, options)
    found = layout(network, layer)
    assert (found.axes, found.grid, found.prefix) == (axes, grid, prefix)
    plain = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for row, column in ((0, 0), (0, grid[1] - 1), (grid[0] - 1, 0), (grid[0] // 2, grid[1] // 4)):
        changed, (high, wide) = plain.clone(), (64 // grid[0], 64 // grid[1])
        changed[:, :, row * high : (row + 1) * high, column * wide : (column + 1) * wide] += 0.5
        kept = found.to_grid(activations(network, torch.cat([plain, changed]), [layer])[layer])
        answer = (kept[1] - kept[0]).norm(dim=0)
        best = divmod(int(answer.argmax()), grid[1])
        assert best == (row, column)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), {name: options for name, options, *_ in TRUTH}.items())
def test_nearly_every_layer_has_a_layout(transformers: Any, name: str, options: dict[str, Any]) -> None:
    network = model(transformers, name, options)
    names = {each for info in network.layers() for each in info.names}
    assert len(layouts(network)) > 0.9 * len(names)


@pytest.mark.slow
def test_unfolded_patches_are_put_back_exactly(transformers: Any) -> None:
    """MobileViT unfolds the maps of a convolution into (batch * 4, places / 4, channels) and normalises them there."""
    network = model(transformers, "MobileViT", {})
    stage = "mobilevit.encoder.layer.2"
    inside = f"{stage}.transformer.layer.0.layernorm_before"
    kept = activations(network, torch.rand(3, 3, 64, 64), [f"{stage}.conv_1x1", inside])
    assert kept[inside].shape == (3 * 4, 16, 144)
    with torch.no_grad():
        maps = network.module.get_submodule(inside)(kept[f"{stage}.conv_1x1"].movedim(1, -1)).movedim(-1, 1)
    assert torch.equal(layout(network, inside).to_grid(kept[inside]), maps)

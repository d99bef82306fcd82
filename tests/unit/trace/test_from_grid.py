"""The way back from the grid: the layout undone, place by place."""

from __future__ import annotations

import pytest
import torch
from small_networks import SIZE, Convnet, TinyViT, seeded

from cutaway.nets import Model, Preprocess
from cutaway.trace import activations, layouts
from cutaway.trace.layout import Layout

BATCH = 3


def assert_undone(axes: Layout, like: torch.Tensor) -> None:
    values = torch.rand(BATCH, axes.channels, *axes.grid) + 1
    back = axes.from_grid(values, like)
    assert back.shape == like.shape
    assert torch.equal(axes.to_grid(back), values)
    assert (back != 0).sum() == values.numel(), "nothing but the places was written"


@pytest.mark.parametrize("factory", [Convnet, TinyViT])
def test_every_layer_with_a_layout(factory):
    model = Model(seeded(factory), Preprocess(size=SIZE))
    known = layouts(model)
    outputs = activations(model, torch.rand(BATCH, 3, SIZE, SIZE), list(known))
    for layer, axes in known.items():
        assert_undone(axes, outputs[layer])


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        (Layout("height width channels", 5, (2, 3)), (BATCH, 2, 3, 5)),
        (Layout("tokens channels", 5, (2, 3), prefix=2), (BATCH, 8, 5)),
        (Layout("tokens channels", 5, (2, 2), prefix=1, order=(4, 1, 3, 2), positions=5), (BATCH, 5, 5)),
        (Layout("channels tokens", 5, (2, 2), order=(3, 1, 0, 2), positions=4), (BATCH, 5, 4)),
        (Layout("places channels", 5, (2, 4), order=(0, 1, 4, 5, 2, 3, 6, 7), positions=8), (BATCH * 2, 4, 5)),
        (Layout("channels places", 5, (2, 4), order=(0, 1, 4, 5, 2, 3, 6, 7), positions=8), (BATCH * 2, 5, 4)),
        (Layout("channels", 5, (1, 1)), (BATCH, 5)),
    ],
)
def test_every_kind_of_layout(axes, shape):
    assert_undone(axes, torch.zeros(shape))

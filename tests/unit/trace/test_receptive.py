"""Receptive fields, by the textbook's recursion and by the gradient of networks in which every weight counts."""

from __future__ import annotations

import pytest
import torch
from networks import Tokens, Unfolded, Windows, of, seeded
from torch import Tensor, nn

from cutaway.core.errors import LayerError
from cutaway.nets import Model, Preprocess, load
from cutaway.trace import activations, layout, receptive_field, trace


def positive(network: nn.Module) -> nn.Module:
    """Every weight positive, so that nothing cancels and no ReLU is ever shut."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_().add_(0.01)
    return network


def by_gradient(model: Model, layer: str, y: int, x: int) -> tuple[int, int, int, int]:
    """The pixels that the units at one place really depend on, over several pictures (a maximum picks one pixel)."""
    noise = torch.rand(64, *model.preprocess.shape, generator=torch.Generator().manual_seed(2))
    pictures = noise.pow(20).requires_grad_()  # few bright pixels, so that a maximum is anywhere at times
    grid = layout(model, layer).to_grid(trace(model, pictures, [layer])[layer])
    (slope,) = torch.autograd.grad(grid[:, :, y, x].sum(), pictures)
    seen = slope.abs().sum(dim=(0, 1)) > 0
    rows, columns = seen.any(dim=1).nonzero()[:, 0], seen.any(dim=0).nonzero()[:, 0]
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def convnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2),
        nn.AvgPool2d(2, stride=1, padding=1),
        nn.Conv2d(4, 4, (3, 1), padding=(1, 0)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def recursion(kernels: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Size, stride and offset of a chain of (kernel, stride, padding, dilation), as textbooks have it."""
    size, jump, offset = 1, 1, 0
    for kernel, stride, padding, dilation in kernels:
        size += dilation * (kernel - 1) * jump
        offset -= padding * jump
        jump *= stride
    return size, jump, offset


CHAIN = [(5, 2, 1, 1), (1, 1, 0, 1), (3, 2, 0, 1), (3, 1, 2, 2), (2, 1, 1, 1), (3, 1, 1, 1)]


@pytest.mark.parametrize("layer", range(6))
def test_size_stride_and_offset_are_the_textbooks(layer: int) -> None:
    found = receptive_field(Model(convnet(), Preprocess(size=96)), str(layer))
    assert (found.size[0], found.stride[0], found.offset[0]) == recursion(CHAIN[: layer + 1])
    assert not found.whole


@pytest.mark.parametrize("layer", ["0", "2", "3", "4", "5", "6"])
def test_the_boxes_are_where_the_gradient_is(layer: str) -> None:
    model = Model(positive(seeded(convnet)), Preprocess(size=(40, 48)))
    found = receptive_field(model, layer)
    rows, columns = found.boxes.shape[1:]
    for y, x in {(0, 0), (rows - 1, columns - 1), (rows // 2, columns // 3)}:
        assert found.box(y, x) == by_gradient(model, layer, y, x)


def test_height_and_width_may_differ() -> None:
    found = receptive_field(Model(convnet(), Preprocess(size=96)), "5")
    assert found.size[0] - found.size[1] == 8  # the last kernel is 3 high and 1 wide, on a grid of stride 4


def test_squeezenets_last_layer_sees_207_pixels() -> None:
    found = receptive_field(load("squeezenet1_1"), "features.12")
    assert (found.size, found.stride, found.offset) == ((207, 207), (16, 16), (-88, -88))


class Joined(nn.Module):
    """A wide and a narrow way side by side, added up, and one gated by the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 4, 7, padding=3)
        self.narrow = nn.Conv2d(3, 4, 1)
        self.sum = nn.Identity()
        self.gate = nn.Conv2d(4, 4, 1)
        self.gated = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        maps = self.sum(self.wide(x) + self.narrow(x))
        return self.gated(maps * self.gate(maps.mean(dim=(2, 3), keepdim=True)).sigmoid()).mean(dim=(2, 3))


def test_ways_that_join_see_what_either_sees() -> None:
    model = of(positive(seeded(Joined)))
    assert receptive_field(model, "narrow").size == (1, 1)
    assert receptive_field(model, "sum").size == (7, 7)
    assert receptive_field(model, "sum").box(0, 5) == by_gradient(model, "sum", 0, 5) == (0, 2, 4, 9)
    gated = receptive_field(model, "gated")
    assert gated.whole
    assert gated.size == (24, 24)


def test_attention_sees_the_whole_picture_and_patches_their_own() -> None:
    model = of(seeded(Tokens, 16, 24), 16, 24)
    patch = receptive_field(model, "norm")
    assert (patch.size, patch.stride, patch.offset, patch.whole) == ((4, 4), (4, 4), (0, 0), False)
    assert patch.box(2, 5) == (8, 20, 12, 24)
    mixed = receptive_field(model, "mlp")
    assert mixed.whole
    assert mixed.box(2, 5) == by_gradient(model, "mlp", 2, 5) == (0, 0, 16, 24)


@pytest.mark.parametrize(("factory", "layer"), [(Windows, "inside"), (Windows, "merge"), (Unfolded, "inside")])
def test_windows_and_unfolded_patches(factory: type[nn.Module], layer: str) -> None:
    model = of(positive(seeded(factory)))
    found = receptive_field(model, layer)
    assert found.box(3, 4) == by_gradient(model, layer, 3, 4)
    assert found.box(0, 0) == by_gradient(model, layer, 0, 0)


def test_no_pixel_outside_the_box_ever_matters() -> None:
    model = Model(seeded(convnet), Preprocess(size=40))
    top, left, bottom, right = receptive_field(model, "5").box(4, 4)
    pictures = torch.rand(2, 3, 40, 40)
    pictures[1, :, top:bottom, left:right] = pictures[0, :, top:bottom, left:right]
    kept = activations(model, pictures, ["5"])["5"]
    assert torch.equal(kept[0, :, 4, 4], kept[1, :, 4, 4])
    assert not torch.equal(kept[0], kept[1])


def test_a_vector_has_no_receptive_field() -> None:
    with pytest.raises(LayerError, match='layer "7" of Sequential has no grid of places; expected one'):
        receptive_field(Model(convnet(), Preprocess(size=40)), "7")

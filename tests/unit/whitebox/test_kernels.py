"""ScaleConv2d, PerspectiveConv2d and MaxOverViews: one kernel or layer, the best of several views of it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cutaway.core.errors import OptionError
from cutaway.whitebox import MaxOverViews, PerspectiveConv2d, ScaleConv2d, flips, quarter_turns, shifts
from cutaway.whitebox.perspective import warped

PICTURES = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def blob(side: int, width: float) -> torch.Tensor:
    line = torch.arange(side) - (side - 1) / 2
    return torch.exp(-(line[:, None] ** 2 + line[None] ** 2) / (2 * width**2))


def test_one_scale_of_one_is_the_convolution() -> None:
    layer = ScaleConv2d(3, 4, 5, scales=[1.0], bias=True)
    torch.testing.assert_close(layer(PICTURES), F.conv2d(PICTURES, layer.weight, layer.bias, padding=2))


def test_the_output_is_the_best_scale_on_the_input_s_grid() -> None:
    layer = ScaleConv2d(3, 4, 5, scales=[0.6, 1.0, 2.0], stride=2)
    responses = layer.responses(PICTURES)
    assert responses.shape == (3, 2, 4, 6, 6)
    torch.testing.assert_close(layer(PICTURES), responses.amax(0))
    torch.testing.assert_close(
        torch.stack([k.sum((1, 2, 3)) for k in layer.kernels()]),
        layer.weight.sum((1, 2, 3)).expand(3, -1),
        atol=1e-4,
        rtol=1e-4,
    )


def test_a_larger_blob_is_found_by_the_larger_scale() -> None:
    layer = ScaleConv2d(1, 1, 7, scales=[1.0, 2.0])
    kernel = blob(7, 1.3)
    layer.weight.data = (kernel - kernel.mean())[None, None]
    for width, scale in [(1.3, 0), (2.8, 1)]:
        centre = layer.responses(blob(31, width)[None, None])[:, 0, 0, 15, 15]
        assert int(centre.argmax()) == scale


def test_perspective_starts_as_the_kernel_and_keeps_its_centre() -> None:
    layer = PerspectiveConv2d(3, 4, 5, padding=2, views=3)
    torch.testing.assert_close(layer.responses(PICTURES)[0], F.conv2d(PICTURES, layer.weight, padding=2))
    torch.testing.assert_close(layer.kernels()[:, :, :, 2, 2], layer.weight[None, :, :, 2, 2].expand(3, -1, -1))
    torch.testing.assert_close(layer(PICTURES), layer.responses(PICTURES).amax(0))
    assert layer.tilts.shape == (3, 4, 2)  # two numbers a view and kernel, no more


def test_a_warp_is_the_formula_place_by_place() -> None:
    ramp = torch.linspace(0, 1, 5).expand(1, 1, 5, 5).clone()  # K(x, y) = (x + 1) / 2
    p, q = 0.3, -0.2
    seen = warped(ramp, torch.tensor([[p, q]]))
    for row, column in [(2, 2), (1, 3), (2, 3), (3, 1)]:
        x, y = (column - 2) / 2, (row - 2) / 2
        depth = 1 + p * x + q * y
        expected = (x / depth + 1) / 2 if abs(y / depth) <= 1 else 0.0
        assert float(seen[0, 0, row, column]) == pytest.approx(expected, abs=1e-6)


def test_the_horizon_stays_outside_and_tilts_learn() -> None:
    layer = PerspectiveConv2d(3, 4, 5)
    layer.tilts.data *= 1e6
    assert float(layer.perspective().detach().abs().sum(-1).max()) < 0.91
    layer = PerspectiveConv2d(3, 4, 5)
    layer(PICTURES).square().sum().backward()
    assert layer.tilts.grad is not None
    assert float(layer.tilts.grad.abs().sum()) > 0


def test_the_maximum_over_views() -> None:
    pooled = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    best = MaxOverViews(pooled, flips())
    torch.testing.assert_close(best(PICTURES), torch.maximum(pooled(PICTURES), pooled(PICTURES.flip(-1))))
    torch.testing.assert_close(best(PICTURES), best(PICTURES.flip(-1)))
    turning = MaxOverViews(pooled, quarter_turns())
    torch.testing.assert_close(turning(PICTURES), turning(PICTURES.rot90(1, (-2, -1))))
    assert len(shifts(2)) == 5


def test_bad_options() -> None:
    with pytest.raises(OptionError, match="kernel_size is 4; expected an odd number, which has a centre; try 5"):
        ScaleConv2d(3, 4, 4)
    with pytest.raises(OptionError, match=r"scales are \[0\.0\]; expected numbers above 0"):
        ScaleConv2d(3, 4, 5, scales=[0.0])
    with pytest.raises(OptionError, match="views is 0; expected a whole number of at least 1"):
        PerspectiveConv2d(3, 4, 5, views=0)
    with pytest.raises(OptionError, match=r"no views were given; expected functions .*; try flips\(\)"):
        MaxOverViews(nn.Identity(), [])

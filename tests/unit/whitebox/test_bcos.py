"""B-cos: the formula patch by patch, its bound, and the dynamic linear map as the gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cutaway.core.errors import OptionError
from cutaway.whitebox import BcosConv2d, weights_held

DRAW = torch.Generator().manual_seed(0)
PICTURES = torch.randn(2, 3, 7, 6, generator=DRAW, dtype=torch.float64)


def layer(**options: float) -> BcosConv2d:
    torch.manual_seed(0)
    return BcosConv2d(3, 5, 3, **options).double()  # type: ignore[arg-type]


@pytest.mark.parametrize("b", [1.0, 1.5, 2.0])
def test_every_output_is_the_formula_of_its_patch(b: float) -> None:
    convolution = layer(b=b, stride=2, padding=1)
    outputs = convolution(PICTURES).detach()
    padded = nn.functional.pad(PICTURES, [1] * 4)
    for n, k, y, x in [(0, 0, 0, 0), (1, 4, 3, 2), (0, 2, 1, 1)]:
        patch = padded[n, :, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3].flatten()
        weight = convolution.weight[k].flatten()
        unit = weight / weight.norm()
        cosine = (patch @ unit).abs() / patch.norm()
        expected = cosine ** (b - 1) * (patch @ unit)
        assert float(outputs[n, k, y, x]) == pytest.approx(expected.item(), abs=1e-5)


def test_outputs_never_exceed_the_patch_s_norm() -> None:
    patches = nn.functional.unfold(PICTURES, 3).norm(dim=1).view(2, 1, 5, 4)
    assert bool((layer()(PICTURES).abs() <= patches + 1e-5).all())


def test_the_dynamic_linear_map_is_the_gradient_where_weights_are_held() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(BcosConv2d(3, 8, 3), BcosConv2d(8, 4, 3, max_out=2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = network.double()
    pictures = PICTURES.clone().requires_grad_()
    with weights_held(network):
        scores = network(pictures)[:, 1]
        (gradient,) = torch.autograd.grad(scores.sum(), pictures)
    torch.testing.assert_close((gradient * pictures).sum((1, 2, 3)), scores, atol=1e-12, rtol=1e-9)
    torch.testing.assert_close(network(PICTURES)[:, 1], scores)  # the same outputs, held or not


def test_gradients_are_right_in_double_precision() -> None:
    assert torch.autograd.gradcheck(layer(), (PICTURES[:1, :, :4, :4].clone().requires_grad_(),))


def test_an_empty_picture_gives_zero_and_finite_gradients() -> None:
    empty = torch.zeros(1, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    outputs = layer()(empty)
    (gradient,) = torch.autograd.grad(outputs.sum(), empty)
    assert outputs.abs().max().item() == 0
    assert bool(torch.isfinite(gradient).all())


def test_b_below_one() -> None:
    with pytest.raises(OptionError, match=r"b is 0\.5; expected a number of at least 1 .*; try b=2"):
        BcosConv2d(3, 4, 3, b=0.5)

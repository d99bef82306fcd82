"""MatchConv2d: a convolution over the size of its patch; exact while the size is held."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cutaway.core.errors import OptionError
from cutaway.whitebox import MatchConv2d, weights_held
from cutaway.whitebox.matched import FAINT


def pictures() -> Tensor:
    return torch.randn(2, 3, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def layer() -> MatchConv2d:
    torch.manual_seed(1)
    return MatchConv2d(3, 5, 6, stride=2, padding=2).double()


def test_each_patch_against_each_filter_by_hand() -> None:
    convolution, inputs = layer(), pictures()
    roomy = torch.nn.functional.pad(inputs, [2] * 4)
    answers = convolution(inputs)
    assert answers.shape == (2, 5, 6, 6)
    for y, x in ((0, 0), (2, 3), (5, 5)):
        patch = roomy[:, :, 2 * y : 2 * y + 6, 2 * x : 2 * x + 6]
        size = (patch.square().mean((1, 2, 3)) + FAINT**2).sqrt()
        expected = torch.einsum("bcyx,ocyx->bo", patch, convolution.weight) / size[:, None]
        torch.testing.assert_close(answers[:, :, y, x], expected)


def test_held_it_is_exact_and_its_gradient_is_the_filter_over_the_size() -> None:
    convolution, inputs = layer(), pictures().requires_grad_()
    with weights_held(convolution):
        answer = convolution(inputs)[0, 3, 2, 2]
        (slope,) = torch.autograd.grad(answer, inputs)
    torch.testing.assert_close((slope * inputs).sum(), answer)
    patch = slope[0, :, 2:8, 2:8]
    size = convolution.sizes(inputs)[0, 0, 2, 2]
    torch.testing.assert_close(patch, convolution.weight[3] / size)
    torch.testing.assert_close(convolution(inputs)[0, 3, 2, 2], answer)  # holding changes no answer


def test_a_strong_patch_says_no_more_than_a_faint_one() -> None:
    convolution, inputs = layer(), pictures()
    torch.testing.assert_close(convolution(30 * inputs), convolution(10 * inputs), rtol=1e-3, atol=1e-3)
    assert torch.equal(convolution(0 * inputs), torch.zeros(2, 5, 6, 6, dtype=torch.float64))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 0}, "kernel_size is 0"),
        ({"stride": 0}, "stride is 0"),
        ({"out_channels": 0}, "out_channels is 0"),
        ({"padding": 4}, "padding is 4; expected at most half of the kernel's 6; try 3"),
    ],
)
def test_bad_options(options: dict[str, int], message: str) -> None:
    given = {"in_channels": 3, "out_channels": 2, "kernel_size": 6} | options
    with pytest.raises(OptionError, match=message):
        MatchConv2d(**given)

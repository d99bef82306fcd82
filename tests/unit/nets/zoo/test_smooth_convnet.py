"""The legible network: smooth, an exact head, a whitened stem."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cutaway.core.seeds import generator
from cutaway.nets import load
from cutaway.nets.zoo.smooth_convnet import in_integers, smooth_convnet, whiten


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return smooth_convnet(classes=4, widths=(12, 16, 20), whitening=8).eval()


def test_its_layers_have_readable_names_and_its_last_grid_is_a_quarter_of_the_side() -> None:
    module = network()
    assert [name for name, _ in module.named_children()] == [
        "stem", "stage1", "stage2", "stage3", "pool", "flatten", "head",
    ]  # fmt: skip
    grid = module[:4](torch.zeros(1, 3, 32, 32))
    assert grid.shape == (1, 20, 8, 8)


def test_a_class_score_is_exactly_the_sum_of_its_channels() -> None:
    module = network()
    pictures = torch.randn(3, 3, 32, 32, generator=generator(0))
    with torch.no_grad():
        means = module[:4](pictures).mean(dim=(2, 3))
        head = module.get_submodule("head")
        assert isinstance(head, nn.Linear)
        shares = means[:, None, :] * head.weight
        torch.testing.assert_close(shares.sum(dim=2) + head.bias, module(pictures))


def test_no_kink_anywhere() -> None:
    kinked = (nn.ReLU, nn.MaxPool2d, nn.LeakyReLU, nn.Hardtanh)
    assert not any(isinstance(layer, kinked) for layer in smooth_convnet().modules())


def test_a_whitened_stem_answers_with_variance_one_and_no_correlation() -> None:
    draw = generator(1)
    pictures = nn.functional.avg_pool2d(torch.randn(64, 3, 20, 20, generator=draw), 3, stride=1) * 2  # neighbours alike
    module = network()
    whiten(module, pictures, floor=1e-9)
    stem = module.get_submodule("stem.whiten")
    assert isinstance(stem, nn.Conv2d)
    inner = stem(pictures)[:, :8, 1:-1, 1:-1]  # the first of each pair of signs; no place that sees the padding
    rows = inner.transpose(0, 1).flatten(1).double()
    covariance = rows @ rows.T / rows.shape[1]
    torch.testing.assert_close(covariance, torch.eye(8, dtype=torch.float64), atol=1e-3, rtol=0)
    torch.testing.assert_close(stem.weight[:8], -stem.weight[8:])


def test_the_stem_is_not_trained() -> None:
    module = network()
    module(torch.ones(1, 3, 32, 32)).sum().backward()
    frozen = [name for name, p in module.named_parameters() if p.grad is None]
    assert frozen == ["stem.whiten.weight"]


@pytest.mark.parametrize("side", [32, 64, 48])
def test_other_sizes_and_channels(side: int) -> None:
    module = smooth_convnet(classes=3, widths=(4, 6), channels=1).eval()
    assert module(torch.zeros(2, 1, side, side)).shape == (2, 3)


def test_in_whole_numbers_a_network_says_the_same_and_the_scale_of_a_filter_is_free() -> None:
    module, pictures = load("cifar10").module, torch.randn(32, 3, 32, 32, generator=generator(0))
    pictures = torch.nn.functional.avg_pool2d(pictures, 5, 1, 2) * 5

    @torch.no_grad()
    def away(top: int, wanted: torch.Tensor) -> float:
        in_integers(module, top)
        return float((module(pictures) - wanted).square().mean().sqrt() / wanted.std())

    with torch.no_grad():
        before = module(pictures)
        assert away(127, before) < 0.03
        filters = {name: value for name, value in module.state_dict().items() if "conv" in name}
        assert all(torch.equal(value, value.round()) and value.abs().max() == 127 for value in filters.values())
        assert away(127, module(pictures)) < 1e-4  # nothing is left to round
        assert away(1, before) > 0.3  # three values are too few

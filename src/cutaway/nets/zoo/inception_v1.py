"""Inception v1 (GoogLeNet, Szegedy et al. 2015) as Lucid has it: the network of "The Building Blocks of
Interpretability", with the layer and parameter names under which its weights are passed on in PyTorch, so that they
load, and so that `mixed4d` means here what it means in the article."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

_BRANCHES: Mapping[str, tuple[int, ...]] = {
    "mixed3a": (64, 96, 128, 16, 32, 32),
    "mixed3b": (128, 128, 192, 32, 96, 64),
    "mixed4a": (192, 96, 204, 16, 48, 64),
    "mixed4b": (160, 112, 224, 24, 64, 64),
    "mixed4c": (128, 128, 256, 24, 64, 64),
    "mixed4d": (112, 144, 288, 32, 64, 64),
    "mixed4e": (256, 160, 320, 32, 128, 128),
    "mixed5a": (256, 160, 320, 48, 128, 128),
    "mixed5b": (384, 192, 384, 48, 128, 128),
}
"""Channels of each block: 1 x 1; bottleneck and 3 x 3; bottleneck and 5 x 5; behind the pooling."""

_POOLED_BEFORE = {"mixed4a": "maxpool4", "mixed5a": "maxpool10"}


class Concat(nn.Module):
    """The channels of several maps, one after the other."""

    def forward(self, maps: Sequence[Tensor]) -> Float[Tensor, "batch channels height width"]:
        return torch.cat(list(maps), dim=1)


class InceptionV1(nn.Module):
    """`conv2d0` to `conv2d2`, `mixed3a` to `mixed5b`, then one linear layer over the mean of all places."""

    def __init__(self, classes: int = 1008) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d((2, 3, 2, 3))  # TensorFlow's way to halve an even side
        self._convolution("conv2d0", 3, 64, 7, stride=2, padding=0)
        self.maxpool0 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.localresponsenorm0 = nn.LocalResponseNorm(9, alpha=1e-4, beta=0.5, k=1)
        self._convolution("conv2d1", 64, 64, 1)
        self._convolution("conv2d2", 64, 192, 3)
        self.localresponsenorm1 = nn.LocalResponseNorm(9, alpha=1e-4, beta=0.5, k=1)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        wide = 192
        for block in _BRANCHES:
            if block in _POOLED_BEFORE:
                self.add_module(_POOLED_BEFORE[block], nn.MaxPool2d(3, 2, ceil_mode=True))
            wide = self._block(block, wide)
        self.avgpool0 = nn.AdaptiveAvgPool2d(1)
        self.softmax2_pre_activation_matmul = nn.Linear(wide, classes)

    def _convolution(
        self, name: str, wide: int, width: int, side: int, stride: int = 1, padding: int | None = None
    ) -> None:
        around = side // 2 if padding is None else padding
        self.add_module(f"{name}_pre_relu_conv", nn.Conv2d(wide, width, side, stride, around))
        self.add_module(name, nn.ReLU())

    def _block(self, name: str, wide: int) -> int:
        ones, narrow3, threes, narrow5, fives, pooled = _BRANCHES[name]
        self._convolution(f"{name}_1x1", wide, ones, 1)
        self._convolution(f"{name}_3x3_bottleneck", wide, narrow3, 1)
        self._convolution(f"{name}_3x3", narrow3, threes, 3)
        self._convolution(f"{name}_5x5_bottleneck", wide, narrow5, 1)
        self._convolution(f"{name}_5x5", narrow5, fives, 5)
        self.add_module(f"{name}_pool", nn.MaxPool2d(3, 1, padding=1))
        self._convolution(f"{name}_pool_reduce", wide, pooled, 1)
        self.add_module(name, Concat())
        return ones + threes + fives + pooled

    def _through(self, x: Tensor, *names: str) -> Tensor:
        """Convolution and activation of each name in turn."""
        for name in names:
            x = self.get_submodule(name)(self.get_submodule(f"{name}_pre_relu_conv")(x))
        return x

    def _mixed(self, name: str, x: Tensor) -> Tensor:
        pooled = self.get_submodule(f"{name}_pool")(x)
        mixed: Tensor = self.get_submodule(name)(
            [
                self._through(x, f"{name}_1x1"),
                self._through(x, f"{name}_3x3_bottleneck", f"{name}_3x3"),
                self._through(x, f"{name}_5x5_bottleneck", f"{name}_5x5"),
                self._through(pooled, f"{name}_pool_reduce"),
            ]
        )
        return mixed

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        x = self.localresponsenorm0(self.maxpool0(self._through(self.pad(x), "conv2d0")))
        x = self.maxpool1(self.localresponsenorm1(self._through(x, "conv2d1", "conv2d2")))
        for block in _BRANCHES:
            if block in _POOLED_BEFORE:
                x = self.get_submodule(_POOLED_BEFORE[block])(x)
            x = self._mixed(block, x)
        logits: Tensor = self.softmax2_pre_activation_matmul(self.avgpool0(x).flatten(1))
        return logits


def inception_v1(classes: int = 1008) -> InceptionV1:
    """Inception v1 as Lucid has it: 1008 classes, the thousand of ImageNet among them."""
    return InceptionV1(classes)

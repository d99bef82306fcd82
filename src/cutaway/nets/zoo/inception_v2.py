"""Inception v2 (BN-Inception, Ioffe and Szegedy 2015), with the parameter names under which its public weights are
passed on in PyTorch, so that they load. They take blue, green and red in 0 .. 255, less a mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Widths:
    """Channels of one block. `ones` and `pooled` are 0 where the block halves its side."""

    ones: int
    three: tuple[int, int]
    double: tuple[int, int]
    pooled: int
    pool: str = "mean"

    @property
    def halves(self) -> bool:
        """Whether the block has stride 2: then its pooling is handed on as it is."""
        return self.ones == 0

    def out(self, wide: int) -> int:
        """Channels of what the block gives."""
        return self.ones + self.three[1] + self.double[1] + (wide if self.halves else self.pooled)


_BLOCKS: Mapping[str, Widths] = {
    "3a": Widths(64, (64, 64), (64, 96), 32),
    "3b": Widths(64, (64, 96), (64, 96), 64),
    "3c": Widths(0, (128, 160), (64, 96), 0),
    "4a": Widths(224, (64, 96), (96, 128), 128),
    "4b": Widths(192, (96, 128), (96, 128), 128),
    "4c": Widths(160, (128, 160), (128, 160), 128),
    "4d": Widths(96, (128, 192), (160, 192), 128),
    "4e": Widths(0, (128, 192), (192, 256), 0),
    "5a": Widths(352, (192, 320), (160, 224), 128),
    "5b": Widths(352, (192, 320), (192, 224), 128, pool="max"),
}


class InceptionV2(nn.Module):
    """`conv1`, `conv2`, blocks `inception_3a` to `inception_5b`, then one linear layer over the mean of all places."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self._convolution("conv1_7x7_s2", "conv1_relu_7x7", 3, 64, 7, 2)
        self.pool1_3x3_s2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self._convolution("conv2_3x3_reduce", "conv2_relu_3x3_reduce", 64, 64, 1)
        self._convolution("conv2_3x3", "conv2_relu_3x3", 64, 192, 3)
        self.pool2_3x3_s2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        wide = 192
        for block, widths in _BLOCKS.items():
            wide = self._block(f"inception_{block}", wide, widths)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.last_linear = nn.Linear(wide, classes)

    def _convolution(self, name: str, activation: str, wide: int, width: int, side: int, stride: int = 1) -> None:
        self.add_module(name, nn.Conv2d(wide, width, side, stride, side // 2))
        self.add_module(f"{name}_bn", nn.BatchNorm2d(width))
        self.add_module(activation, nn.ReLU())

    def _block(self, name: str, wide: int, widths: Widths) -> int:
        def convolution(part: str, wide: int, width: int, side: int, stride: int = 1) -> None:
            self._convolution(f"{name}_{part}", f"{name}_relu_{part}", wide, width, side, stride)

        last = 2 if widths.halves else 1
        if not widths.halves:
            convolution("1x1", wide, widths.ones, 1)
        convolution("3x3_reduce", wide, widths.three[0], 1)
        convolution("3x3", *widths.three, 3, last)
        convolution("double_3x3_reduce", wide, widths.double[0], 1)
        convolution("double_3x3_1", *widths.double, 3)
        convolution("double_3x3_2", widths.double[1], widths.double[1], 3, last)
        if widths.halves:
            self.add_module(f"{name}_pool", nn.MaxPool2d(3, 2, ceil_mode=True))
        else:
            pool = nn.AvgPool2d if widths.pool == "mean" else nn.MaxPool2d
            self.add_module(f"{name}_pool", pool(3, 1, 1))
            convolution("pool_proj", wide, widths.pooled, 1)
        self.add_module(f"{name}_output", nn.Identity())
        return widths.out(wide)

    def _through(self, x: Tensor, prefix: str, *parts: str) -> Tensor:
        for part in parts:
            x = self.get_submodule(f"{prefix}{part}_bn")(self.get_submodule(f"{prefix}{part}")(x))
            x = self.get_submodule(f"{prefix}relu_{part}")(x)
        return x

    def _mixed(self, block: str, x: Tensor) -> Tensor:
        name, widths = f"inception_{block}_", _BLOCKS[block]
        pooled = self.get_submodule(f"{name}pool")(x)
        branches = [
            *([] if widths.halves else [self._through(x, name, "1x1")]),
            self._through(x, name, "3x3_reduce", "3x3"),
            self._through(x, name, "double_3x3_reduce", "double_3x3_1", "double_3x3_2"),
            pooled if widths.halves else self._through(pooled, name, "pool_proj"),
        ]
        mixed: Tensor = self.get_submodule(f"{name}output")(torch.cat(branches, dim=1))
        return mixed

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        for name in ("conv1_7x7_s2", "conv1_7x7_s2_bn", "conv1_relu_7x7"):
            x = self.get_submodule(name)(x)
        x = self._through(self.pool1_3x3_s2(x), "conv2_", "3x3_reduce", "3x3")
        x = self.pool2_3x3_s2(x)
        for block in _BLOCKS:
            x = self._mixed(block, x)
        logits: Tensor = self.last_linear(self.global_pool(x).flatten(1))
        return logits


def inception_v2(classes: int = 1000) -> InceptionV2:
    """Inception v2 (BN-Inception): 11 million parameters, pictures of 224 x 224."""
    return InceptionV2(classes)

"""Inception v3 (Szegedy et al. 2016), with torchvision's names, less the auxiliary head that only training uses.

torchvision's own published weights load by `torchvision:inception_v3`; this is the architecture without torchvision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Step:
    """One convolution of a branch, or two side by side (names and sides of as many)."""

    names: tuple[str, ...]
    width: int
    sides: tuple[tuple[int, int], ...]
    stride: int = 1


def step(name: str, width: int, side: int | tuple[int, int] = 1, stride: int = 1) -> Step:
    """One convolution of side x side, or of (high, across)."""
    return Step((name,), width, (side if isinstance(side, tuple) else (side, side),), stride)


def fork(name: str, width: int) -> Step:
    """A row and a column side by side."""
    return Step((f"{name}a", f"{name}b"), width, ((1, 3), (3, 1)))


Branch = tuple[Step, ...]


class BasicConv2d(nn.Module):
    """Convolution, batch normalisation, ReLU; with stride 1 the side stays, with stride 2 it is halved downwards."""

    def __init__(self, wide: int, width: int, side: tuple[int, int], stride: int = 1, around: bool = True) -> None:
        super().__init__()
        padding = (side[0] // 2, side[1] // 2) if around and stride == 1 else (0, 0)
        self.conv = nn.Conv2d(wide, width, side, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)
        self.relu = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch wide height width"]) -> Float[Tensor, "batch channels high across"]:
        out: Tensor = self.relu(self.bn(self.conv(x)))
        return out


class Mixed(nn.Module):
    """Branches side by side; the last one pools first, and is nothing but the pooling where it has no steps."""

    def __init__(self, wide: int, branches: Sequence[Branch], halves: bool = False) -> None:
        super().__init__()
        self.branches = tuple(branches)
        self.pool = nn.MaxPool2d(3, 2) if halves else nn.AvgPool2d(3, 1, 1)
        self.width = 0
        for branch in branches:
            inside = wide
            for each in branch:
                for name, side in zip(each.names, each.sides, strict=True):
                    self.add_module(name, BasicConv2d(inside, each.width, side, each.stride))
                inside = each.width * len(each.names)
            self.width += inside

    def forward(self, x: Float[Tensor, "batch wide height width"]) -> Float[Tensor, "batch channels high across"]:
        last = len(self.branches) - 1
        return torch.cat(
            [self._along(branch, self.pool(x) if index == last else x) for index, branch in enumerate(self.branches)],
            dim=1,
        )

    def _along(self, branch: Branch, x: Tensor) -> Tensor:
        for each in branch:
            x = torch.cat([self.get_submodule(name)(x) for name in each.names], dim=1)
        return x


def _a(wide: int, pooled: int) -> Mixed:
    double = (step("branch3x3dbl_1", 64), step("branch3x3dbl_2", 96, 3), step("branch3x3dbl_3", 96, 3))
    fives = (step("branch5x5_1", 48), step("branch5x5_2", 64, 5))
    return Mixed(wide, [(step("branch1x1", 64),), fives, double, (step("branch_pool", pooled),)])


def _b(wide: int) -> Mixed:
    double = (step("branch3x3dbl_1", 64), step("branch3x3dbl_2", 96, 3), step("branch3x3dbl_3", 96, 3, 2))
    return Mixed(wide, [(step("branch3x3", 384, 3, 2),), double, ()], halves=True)


def _c(wide: int, narrow: int) -> Mixed:
    row, column = (1, 7), (7, 1)
    sevens = (step("branch7x7_1", narrow), step("branch7x7_2", narrow, row), step("branch7x7_3", 192, column))
    double = (
        step("branch7x7dbl_1", narrow),
        step("branch7x7dbl_2", narrow, column),
        step("branch7x7dbl_3", narrow, row),
        step("branch7x7dbl_4", narrow, column),
        step("branch7x7dbl_5", 192, row),
    )
    return Mixed(wide, [(step("branch1x1", 192),), sevens, double, (step("branch_pool", 192),)])


def _d(wide: int) -> Mixed:
    sevens = (
        step("branch7x7x3_1", 192),
        step("branch7x7x3_2", 192, (1, 7)),
        step("branch7x7x3_3", 192, (7, 1)),
        step("branch7x7x3_4", 192, 3, 2),
    )
    return Mixed(wide, [(step("branch3x3_1", 192), step("branch3x3_2", 320, 3, 2)), sevens, ()], halves=True)


def _e(wide: int) -> Mixed:
    threes = (step("branch3x3_1", 384), fork("branch3x3_2", 384))
    double = (step("branch3x3dbl_1", 448), step("branch3x3dbl_2", 384, 3), fork("branch3x3dbl_3", 384))
    return Mixed(wide, [(step("branch1x1", 320),), threes, double, (step("branch_pool", 192),)])


class InceptionV3(nn.Module):
    """A stem of five convolutions, `Mixed_5b` to `Mixed_7c`, then one linear layer over the mean of all places."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        three = (3, 3)
        self.Conv2d_1a_3x3 = BasicConv2d(3, 32, three, 2)
        self.Conv2d_2a_3x3 = BasicConv2d(32, 32, three, around=False)
        self.Conv2d_2b_3x3 = BasicConv2d(32, 64, three)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = BasicConv2d(64, 80, (1, 1))
        self.Conv2d_4a_3x3 = BasicConv2d(80, 192, three, around=False)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _a(192, 32), _a(256, 64), _a(288, 64)
        self.Mixed_6a = _b(288)
        self.Mixed_6b, self.Mixed_6c = _c(768, 128), _c(768, 160)
        self.Mixed_6d, self.Mixed_6e = _c(768, 160), _c(768, 192)
        self.Mixed_7a = _d(768)
        self.Mixed_7b, self.Mixed_7c = _e(1280), _e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout()
        self.fc = nn.Linear(self.Mixed_7c.width, classes)

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        for layer in self.children():
            x = self.fc(x.flatten(1)) if layer is self.fc else layer(x)
        return x


def inception_v3(classes: int = 1000) -> InceptionV3:
    """Inception v3: 24 million parameters, pictures of 299 x 299 (75 at least)."""
    return InceptionV3(classes)

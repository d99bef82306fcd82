"""The residual networks for CIFAR-10 of He et al. (2016), section 4.2: 6n + 2 layers, shortcuts without parameters."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError


class Shortcut(nn.Module):
    """Option A: every second place, and zeros for the channels that the input does not have (half on either side)."""

    def __init__(self, missing: int) -> None:
        super().__init__()
        self.missing = missing

    def forward(self, x: Float[Tensor, "batch wide height width"]) -> Float[Tensor, "batch channels high across"]:
        side = self.missing // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, side, self.missing - side))


class Block(nn.Module):
    """Two normalised convolutions beside a shortcut."""

    def __init__(self, wide: int, width: int) -> None:
        super().__init__()
        stride = 1 if wide == width else 2
        self.conv1 = nn.Conv2d(wide, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Identity() if wide == width else Shortcut(width - wide)
        self.relu2 = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch wide height width"]) -> Float[Tensor, "batch channels high across"]:
        inner = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        out: Tensor = self.relu2(inner + self.shortcut(x))
        return out


class CifarResNet(nn.Module):
    """`conv1`, three stages `layer1` to `layer3` of 16, 32 and 64 channels, a mean over places, `linear`."""

    def __init__(self, blocks: int, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = self._stage(16, 16, blocks)
        self.layer2 = self._stage(16, 32, blocks)
        self.layer3 = self._stage(32, 64, blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(64, classes)
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(layer.weight)

    @staticmethod
    def _stage(wide: int, width: int, blocks: int) -> nn.Sequential:
        return nn.Sequential(*[Block(wide if index == 0 else width, width) for index in range(blocks)])

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.linear(self.pool(x).flatten(1))
        return logits


def cifar_resnet(depth: int, classes: int = 10) -> CifarResNet:
    """A CIFAR ResNet of `depth` = 6n + 2 layers (20, 32, 44, 56, 110) for pictures of 32 x 32."""
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        raise OptionError(f"a CIFAR ResNet of {depth} layers; expected 6n + 2; try 20, 32, 44 or 56")
    return CifarResNet(blocks, classes)

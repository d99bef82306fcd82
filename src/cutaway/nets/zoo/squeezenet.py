"""SqueezeNet 1.1 (Iandola et al. 2016), with torchvision's parameter names, so that public weights load."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Fire(nn.Module):
    """A bottleneck of 1 x 1 filters, then 1 x 1 and 3 x 3 filters side by side, their channels one after the other."""

    def __init__(self, wide: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(wide, squeeze, 1)
        self.squeeze_activation = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand1x1_activation = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.expand3x3_activation = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch wide height width"]) -> Float[Tensor, "batch channels height width"]:
        narrow = self.squeeze_activation(self.squeeze(x))
        both = self.expand1x1(narrow), self.expand3x3(narrow)
        return torch.cat([self.expand1x1_activation(both[0]), self.expand3x3_activation(both[1])], dim=1)


class SqueezeNet(nn.Module):
    """`features.0` to `features.12`, then a classifier whose class maps are averaged into logits."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        last = nn.Conv2d(512, classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(), last, nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # every convolution here has one
        nn.init.normal_(last.weight, std=0.01)

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.classifier(self.features(x)).flatten(1)
        return logits


def squeezenet1_1(classes: int = 1000) -> SqueezeNet:
    """SqueezeNet 1.1: 1.2 million parameters, pictures of 224 x 224."""
    return SqueezeNet(classes)

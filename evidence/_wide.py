"""A wide random network for measurements of time, where what its units answer does not matter."""

from __future__ import annotations

import torch
from torch import nn

from cutaway.nets import Model, Preprocess

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def network() -> Model:
    """Two layers of 256 and 1,024 units over pictures of 32 x 32 pixels."""
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 256, 4, stride=4), nn.ReLU())
    second = nn.Sequential(nn.Conv2d(256, 1024, 4, stride=4), nn.ReLU())
    net = nn.Sequential(first, second, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, len(LABELS)))
    return Model(net, Preprocess(size=32), LABELS, name="wide")

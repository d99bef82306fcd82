"""Small random networks on which every block can be checked by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cutaway.nets import Model, Preprocess

LABELS = ["ant", "bee", "cat", "dog", "elk"]


@pytest.fixture
def model() -> Model:
    """Linear above its last grid: what is estimated there must be what is measured."""
    torch.manual_seed(0)
    features = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU()
    )
    module = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, len(LABELS)))
    return Model(module, Preprocess(size=32, mean=(0.5,) * 3, std=(0.25,) * 3), LABELS, name="small")


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))

"""Small networks to look into, and a cache of their own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess

SIDE = 32


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Visualizations of one test are not found by another, nor in the user's own cache."""
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def module() -> nn.Sequential:
    """Two convolutions with ReLUs, four classes; every layer by its number, random weights from a fixed seed."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, 8, 3, stride=2),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 4),
        )


class Tokens(nn.Module):
    """Patches as tokens with a class token in front, then one layer over the channels; for one size of picture only."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(4)
            self.patches = nn.Conv2d(3, 10, 8, stride=8)
            self.first = nn.Parameter(torch.randn(1, 1, 10))
            self.places = nn.Parameter(torch.randn(1, 17, 10))
            self.block = nn.Sequential(nn.Linear(10, 10), nn.GELU())
            self.head = nn.Linear(10, 5)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(len(x), -1, -1), patches], dim=1) + self.places
        answer: Tensor = self.head(self.block(tokens)[:, 0])
        return answer


@pytest.fixture
def model(module: nn.Sequential) -> Model:
    return Model(module, Preprocess(SIDE), labels=["cat", "dog", "bird", "fish"], name="small")


@pytest.fixture
def tokens() -> Model:
    return Model(Tokens(), Preprocess(SIDE), name="tokens")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)

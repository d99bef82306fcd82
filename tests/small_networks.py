"""Small networks with what goes wrong in practice: work in place, a module called twice, tokens, tuples as output."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 4
SIZE = 12


class Convnet(nn.Module):
    """ReLUs in place, the first of them on the input; batch normalisation, dropout and max pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.act1 = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(6, 8, 3, padding=1)
        self.act2 = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.act1(self.norm(self.conv1(self.first(x)))))
        x = self.act2(self.conv2(x))
        return self.head(self.drop(x.mean(dim=(2, 3))))


class Reused(nn.Module):
    """One convolution and one activation called twice, a functional sum, and a tuple as output."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Conv2d(3, 5, 1)
        self.conv = nn.Conv2d(5, 5, 3, padding=1)
        self.act = nn.ReLU()
        self.head = nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.lift(x)
        x = x + self.act(self.conv(self.act(self.conv(x))))
        pooled = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.head(pooled), pooled


class TinyViT(nn.Module):
    """Patches of 4 pixels, a class token that alone is read, two blocks of attention."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.place = nn.Parameter(torch.randn(1, (SIZE // 4) ** 2 + 1, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 2, 16, dropout=0.1, activation="gelu", batch_first=True, norm_first=True)
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], dim=1) + self.place
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(self.norm(tokens)[:, 0])


def smooth() -> nn.Sequential:
    """A network without kinks, of any batch of 6 numbers."""
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, CLASSES))


def seeded(factory: type[nn.Module], seed: int = 0) -> nn.Module:
    """The network with weights of that seed, in training mode (a method has to see to the mode by itself), and with
    statistics in its batch normalisation that are not the first ones."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = factory()
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.5, 2)
    return network.train()


def pictures(n: int = 3, seed: int = 0) -> Tensor:
    """Noise in [0, 1]."""
    return torch.rand(n, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))

"""Networks whose insides are laid out in every way that is met in practice."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cutaway.nets import Model, Preprocess


class Tokens(nn.Module):
    """Patches of 4 pixels as tokens behind a class token and registers; attention; the first token is read."""

    def __init__(self, height: int, width: int, prefix: int = 1, channels: int = 12) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, channels, 4, 4)
        self.before = nn.Parameter(torch.randn(1, prefix, channels))
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.query = nn.Identity()
        self.map = nn.Softmax(dim=-1)
        self.out = nn.Linear(channels, channels)
        self.mlp = nn.Sequential(nn.Linear(channels, 20), nn.GELU(), nn.Linear(20, channels))
        self.head = nn.Linear(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.before.expand(len(x), -1, -1), x], dim=1)
        q, k, v = self.qkv(self.norm(x)).unflatten(2, (3, 2, -1)).permute(2, 0, 3, 1, 4)
        seen = self.map(self.query(q) @ k.transpose(-2, -1) / q.shape[-1] ** 0.5) @ v
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        x = x + self.mlp(x)
        return self.head(x.mean(dim=1))


class Windows(nn.Module):
    """Channels last, then windows of 3 x 3 places that share the batch axis, shifted by one place, as in Swin."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, channels, 2, 2)
        self.norm = nn.LayerNorm(channels)
        self.inside = nn.Linear(channels, channels)
        self.back = nn.Identity()
        self.merge = nn.Linear(4 * channels, 2 * channels)
        self.head = nn.Linear(2 * channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.patch(x).permute(0, 2, 3, 1))
        batch, height, width, channels = x.shape
        x = torch.roll(x, (-1, -1), dims=(1, 2))
        x = x.view(batch, height // 3, 3, width // 3, 3, channels).transpose(2, 3).reshape(-1, 9, channels)
        x = self.inside(x)
        x = x.view(batch, height // 3, width // 3, 3, 3, channels).transpose(2, 3).reshape(batch, height, width, -1)
        x = self.back(torch.roll(x, (1, 1), dims=(1, 2)))
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], dim=-1)
        return self.head(self.merge(x).mean(dim=(1, 2)))


class Unfolded(nn.Module):
    """Every second place in both directions together, (batch * 4, places / 4, channels), as in MobileViT."""

    def __init__(self, channels: int = 6) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, 2, 1)
        self.inside = nn.Linear(channels, channels)
        self.after = nn.Conv2d(channels, channels, 1)
        self.head = nn.Linear(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        batch, channels, height, width = x.shape
        x = x.reshape(batch, channels, height // 2, 2, width // 2, 2).permute(0, 3, 5, 2, 4, 1)
        x = self.inside(x.reshape(batch * 4, -1, channels))
        x = x.reshape(batch, 2, 2, height // 2, width // 2, channels).permute(0, 5, 3, 1, 4, 2)
        return self.head(self.after(x.reshape(batch, channels, height, width)).mean(dim=(2, 3)))


class Mixed(nn.Module):
    """A layer that mixes all places, as in MLP-Mixer: what it gives lies nowhere; what it is added to does."""

    def __init__(self, channels: int = 6, places: int = 16) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, channels, 6, 6)
        self.mix = nn.Linear(places, places)
        self.sum = nn.Identity()
        self.gate = nn.Conv2d(channels, channels, 1)
        self.gated = nn.Identity()
        self.head = nn.Linear(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.patch(x)
        tokens = maps.flatten(2)
        tokens = self.sum((tokens + self.mix(tokens)).transpose(1, 2))
        maps = tokens.transpose(1, 2).view_as(maps)
        maps = self.gated(maps * self.gate(F.adaptive_avg_pool2d(maps, 1)).sigmoid())
        return self.head(maps.mean(dim=(2, 3)))


def of(network: nn.Module, height: int = 24, width: int = 24) -> Model:
    """The network as a Model of that size, its weights as they are."""
    return Model(network, Preprocess(size=(height, width)))


def seeded(factory: Any, *arguments: Any) -> Any:
    """The network with weights of seed 0."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory(*arguments)

"""Networks that see the whole picture and answer at once: one of the tree's size, and a black box that was tuned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cutaway.core.devices import autocast
from cutaway.core.seeds import generator

BATCH = 50


@dataclass(frozen=True)
class Recipe:
    """A network's width on its first grid, how long and how fast it learns, and how far its pictures are moved."""

    width: int
    epochs: int = 14
    rate: float = 0.008
    shift: int = 0  # pixels; pictures are mirrored in any case
    light: float = 0.0  # how much brightness and contrast are drawn anew
    decay: float = 1e-3


TUNED = (Recipe(32, 14, 0.008, 4), Recipe(32, 22, 0.006, 6, 0.2, 5e-2))
"""What the black box is tuned over; the best on validation pictures is taken."""


class Direct(nn.Module):
    """Seven convolutions on four grids, the highest and the mean of each filter, one linear answer per class."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for filters, side, stride in (
            (width, 5, 2), (width, 3, 1), (2 * width, 3, 2), (2 * width, 3, 1), (4 * width, 3, 2), (4 * width, 3, 1),
        ):  # fmt: skip
            layers += [nn.Conv2d(channels, filters, side, stride, side // 2, bias=False), nn.BatchNorm2d(filters)]
            layers += [nn.ReLU()]
            channels = filters
        self.layers = nn.Sequential(*layers)
        self.answer = nn.Linear(2 * channels, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        found = self.layers(pictures - 0.5)
        return self.answer(torch.cat([found.amax(dim=(2, 3)), found.mean(dim=(2, 3))], dim=1))


def size(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def width_of(parameters: int, classes: int) -> int:
    """The width at which the direct network comes nearest to a number of parameters."""
    return min(range(4, 65), key=lambda width: abs(size(Direct(width, classes)) - parameters))


def taught(recipe: Recipe, pictures: Tensor, right: Tensor, classes: int, seed: int) -> Direct:
    """The network that learns a recipe from pictures (n, 3, size, size) of bytes and class indices."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "direct network").initial_seed())
        net = Direct(recipe.width, classes).to(memory_format=torch.channels_last)
    draw = generator(seed, "order of pictures")
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * -(-len(pictures) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, total_steps=steps)
    weight = len(right) / (classes * torch.bincount(right, minlength=classes).float())
    for _ in range(recipe.epochs):
        net.train()
        for picked in torch.randperm(len(pictures), generator=draw).split(BATCH):
            batch = varied(pictures[picked].float() / 255, recipe, draw)
            with autocast(torch.device("cpu")):
                logits = net(batch.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), right[picked], weight, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def varied(batch: Tensor, recipe: Recipe, draw: torch.Generator) -> Tensor:
    if float(torch.rand((), generator=draw)) < 0.5:
        batch = batch.flip(3)
    if recipe.shift:
        side = batch.shape[-1]
        wide = F.pad(batch, (recipe.shift,) * 4, mode="reflect")
        top, left = torch.randint(0, 2 * recipe.shift + 1, (2,), generator=draw).tolist()
        batch = wide[..., top : top + side, left : left + side]
    if recipe.light:
        gain = 1 + recipe.light * (2 * torch.rand(len(batch), 1, 1, 1, generator=draw) - 1)
        batch = ((batch - 0.5) * gain + 0.5 + 0.5 * (gain.flip(0) - 1)).clamp(0, 1)
    return batch


def said(net: Direct, pictures: Tensor) -> Tensor:
    """The logits of many pictures."""
    with torch.no_grad():
        return torch.cat([net(part.float() / 255) for part in pictures.split(100)])


def tuned(
    pictures: Tensor, right: Tensor, held: Tensor, held_right: Tensor, classes: int, recipes: Sequence[Recipe] = TUNED
) -> tuple[Recipe, Direct]:
    """The best of several recipes on validation pictures, and its network from seed 0."""
    nets = [(recipe, taught(recipe, pictures, right, classes, 0)) for recipe in recipes]
    return max(nets, key=lambda pair: float((said(pair[1], held).argmax(dim=1) == held_right).float().mean()))

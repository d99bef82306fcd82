"""Changes of pictures to train with: colours that jiggle, channels that change places, noise, a large fixed set.

All draw from torch's global stream, which the loop seeds epoch by epoch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.training.cifar import Batch, Views, once

Batched = Float[Tensor, "batch 3 height width"]
Change = Callable[[Batched], Batched]
"""change(normalised pictures): other pictures of the same classes."""

JIGGLE = 0.3  # standard deviation of each channel's gain and offset, in spreads of pictures
NOISE = 0.5  # standard deviation of the noise, in spreads of pictures
TURNS, ZOOMS, SHEARS = (-12, 0, 12), (0.85, 1.0, 1.2), (-0.15, 0.0, 0.15)  # degrees; sides; sideways for each row down
GAINS, COLOURS = (0.7, 1.0, 1.4), (0.0, 1.0)  # contrast about the mean colour; 0 = grey
FIXED = tuple(itertools.product(TURNS, ZOOMS, SHEARS, GAINS, COLOURS))
"""The large fixed set: 162 changes, each one turn, zoom, shear, gain and colour."""


def jiggled(pictures: Batched) -> Batched:
    """Each channel of each picture with a gain and an offset of its own."""
    gains, offsets = (JIGGLE * torch.randn(2, len(pictures), 3, 1, 1, device=pictures.device)).unbind(0)
    return pictures * (1 + gains) + offsets


def shuffled(pictures: Batched) -> Batched:
    """Each picture with its channels in a random order."""
    order = torch.rand(len(pictures), 3, device=pictures.device).argsort(1)
    return pictures.gather(1, order[:, :, None, None].expand_as(pictures))


def noisy(pictures: Batched) -> Batched:
    """Pictures with Gaussian noise."""
    return pictures + NOISE * torch.randn_like(pictures)


def varied(pictures: Batched) -> Batched:
    """Each picture with one change of the fixed set."""
    return changed(pictures, torch.randint(len(FIXED), (len(pictures),)))


def changed(pictures: Batched, which: Tensor) -> Batched:
    """Each picture with its own change of FIXED; what comes in from beyond the border is the border mirrored."""
    turn, zoom, shear, gain, colour = torch.tensor(FIXED).to(pictures)[which].T
    angle = turn * math.pi / 180
    rows = torch.stack(
        [angle.cos(), shear - angle.sin(), torch.zeros_like(turn), angle.sin(), angle.cos(), torch.zeros_like(turn)], 1
    )
    grid = F.affine_grid(rows.view(-1, 2, 3) / zoom[:, None, None], list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    grey = moved.mean(1, keepdim=True)
    found: Tensor = gain[:, None, None, None] * (grey + colour[:, None, None, None] * (moved - grey))
    return found


CHANGES: Mapping[str, Change] = {"jiggle": jiggled, "shuffle": shuffled, "noise": noisy, "fixed": varied}
"""Changes by name."""


def views_of(name: str) -> Views:
    """Each batch once, changed; "none": as it is."""
    if name == "none":
        return once

    def views(_: nn.Module, pictures: Tensor, targets: Tensor) -> Iterator[Batch]:
        yield CHANGES[name](pictures).contiguous(memory_format=torch.channels_last), targets

    return views

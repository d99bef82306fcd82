"""Legibility: do a network's gradients add up, tell classes apart, lie on the thing, and vanish with what was learned?

All of them read gradients in one of three ways (`reading`): "gradient" (the network's own, with weights that depend on
the input held), "plain" (without holding), "pullback" (soft gates put behind any network), or a function of one's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cutaway.core.errors import OptionError, PictureError
from cutaway.core.types import Pictures
from cutaway.metrics.asking import scores
from cutaway.metrics.localization import energy_in_mask, grid_pointing
from cutaway.metrics.maps import numbers
from cutaway.metrics.measured import Measured, mean_of
from cutaway.metrics.sanity import shuffled
from cutaway.metrics.slopes import CHUNK, Reading, evidence, read, slopes_of
from cutaway.nets.model import Model
from cutaway.nets.targets import Target


def exactness(
    model: Model,
    pictures: Pictures,
    target: Target = None,
    *,
    reading: Reading = "gradient",
    seed: int = 0,
    batch_size: int | None = None,
) -> Measured:
    """|f - <grad f, x - b>| / |f| with b the mean colour: 0 where a score is what its pixels give, and nothing else.

    A network without offsets whose parts are homogeneous reaches 0 up to rounding.
    """
    score, slopes, seen = read(model, pictures, target, reading, batch_size)
    told = (slopes.double() * seen.double()).flatten(1).sum(1)
    return mean_of(numbers((score.double() - told).abs() / score.double().abs()), seed)


def class_accuracy(
    model: Model,
    pictures: Pictures,
    labels: Int[Tensor, " batch"],
    *,
    reading: Reading = "gradient",
    n: int = 1000,
    side: int = 3,
    cell: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
) -> Measured:
    """`grid_pointing` of gradient x input: the share of the evidence for a class in its own cell of side x side.

    Chance is 1 / side². Networks of fixed size: side=2 and a cell of half their size.
    """
    method = evidence(reading)
    return grid_pointing(model, method, pictures, labels, n=n, side=side, cell=cell, seed=seed, batch_size=batch_size)


def contrast(
    model: Model,
    pictures: Pictures,
    *,
    classes: int | None = None,
    reading: Reading = "gradient",
    seed: int = 0,
    batch_size: int | None = None,
) -> Measured:
    """The mean cosine between a picture's gradients toward two different classes: 1 = all alike, lower is better.

    k classes can reach -1 / (k - 1). classes: only the first so many.
    """
    count = classes or scores(model, pictures[:1], batch_size).shape[1]
    if count < 2:
        raise OptionError(f"{count} class; expected at least 2, to compare; try another network")
    slopes = slopes_of(reading)
    toward = torch.stack(
        [
            slopes(model, pictures, torch.full((len(pictures),), each, device=pictures.device), batch_size or CHUNK)
            for each in range(count)
        ],
        dim=1,
    ).flatten(2)
    units = F.normalize(toward.double(), dim=2)
    # The sum over all pairs is the squared length of the sum; the pairs of a class with itself are left out.
    present = units.square().sum((1, 2))
    pairs = (units.sum(1).square().sum(1) - present) / (count * (count - 1))
    return mean_of(numbers(torch.where(present > count - 0.5, pairs, torch.nan)), seed)


def object_alignment(
    model: Model,
    pictures: Pictures,
    masks: Bool[Tensor, "batch height width"],
    target: Target = None,
    *,
    reading: Reading = "gradient",
    seed: int = 0,
    batch_size: int | None = None,
) -> Measured:
    """The share of the evidence that lies on the thing, over the thing's share of the picture: 1 = a blind map."""
    inside = energy_in_mask(model, evidence(reading), pictures, masks, target, seed=seed, batch_size=batch_size)
    areas = numbers(masks.flatten(1).double().mean(1))
    areas = areas[areas > 0]
    if len(areas) != inside.n:
        raise PictureError(
            f"{len(areas) - inside.n} pictures have no evidence at all; expected a network that says something about "
            "each; try other pictures"
        )
    return mean_of(torch.tensor(inside.values).double().numpy() / areas, seed)


def discs(points: Float[Tensor, "n points 2"], size: tuple[int, int], radius: float) -> Bool[Tensor, "n height width"]:
    """Masks of what lies within `radius` pixels of some point (x, y); points that are NaN are not there."""
    y, x = torch.meshgrid(torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5, indexing="ij")
    away = (points[:, :, 0, None, None] - x).square() + (points[:, :, 1, None, None] - y).square()
    return (away <= radius**2).any(1)


@dataclass(frozen=True)
class Collapse:
    """A score of a network, and of the same network with its weights shuffled; a sane score does not survive that."""

    trained: Measured
    shuffled: Measured

    @property
    def passed(self) -> bool:
        """Whether the two intervals stay apart."""
        first, second = self.trained.interval, self.shuffled.interval
        return first[0] > second[1] or second[0] > first[1]


def collapse(model: Model, score: Callable[[Model], Measured], seed: int = 0) -> Collapse:
    """Any score of a model, before and after its weights are shuffled (Adebayo et al. 2018)."""
    blank = shuffled(model, seed)
    assert isinstance(blank, Model)
    return Collapse(score(model), score(blank))

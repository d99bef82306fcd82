"""Relations: how pictures are alike to a layer, those of one batch among each other, and each with a given one."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Grid = Float[Tensor, "pictures channels height width"]
Scores = Float[Tensor, " pictures"]

TINY = 1e-12

NEIGHBOURS, DECAY = 4, 2.0
"""How far apart in order pictures are still aligned, and by what factor less with every step."""

LEAST_COSINE = 0.1
"""A picture that is not yet like the given one is drawn towards it all the same."""


def read_diversity(grid: Grid, rows: Float[Tensor, "pictures 0"]) -> Scores:
    """For each picture, the mean cosine between its Gram matrix and those of all others."""
    places = grid.float().flatten(2)
    grams = (places @ places.transpose(1, 2)).flatten(1)
    grams = grams / torch.linalg.vector_norm(grams, dim=1, keepdim=True).clamp(min=TINY)
    cosines = grams @ grams.T
    found: Tensor = (cosines.sum(dim=1) - cosines.diagonal()) / max(1, len(grid) - 1)
    return found


def read_alignment(grid: Grid, rows: Float[Tensor, "pictures 0"]) -> Scores:
    """For each picture, the negative square differences from its neighbours in order, as a share of the mean square."""
    values = grid.float().flatten(1)
    size = values.detach().square().mean().clamp(min=TINY)
    found = torch.zeros(len(values), device=values.device)
    for apart in range(1, min(NEIGHBOURS, len(values) - 1) + 1):
        differences = (values[apart:] - values[:-apart]).square().mean(dim=1) / (size * DECAY**apart)
        nothing = differences.new_zeros(apart)
        found = found - torch.cat([differences, nothing]) - torch.cat([nothing, differences])
    return found


def read_caricature(grid: Grid, wanted: Grid) -> Scores:
    """The dot product with what is wanted, as a share of its own square, times the cosine."""
    values, goal = grid.float().flatten(1), wanted.float().flatten(1)
    lengths = [torch.linalg.vector_norm(each, dim=1).clamp(min=TINY) for each in (values, goal)]
    dots = (values * goal).sum(dim=1)
    found: Tensor = dots / lengths[1].square() * (dots / (lengths[0] * lengths[1])).clamp(min=LEAST_COSINE)
    return found


def read_inversion(grid: Grid, wanted: Grid) -> Scores:
    """The negative square distance from what is wanted, as a share of its own square."""
    values, goal = grid.float().flatten(1), wanted.float().flatten(1)
    return -(values - goal).square().sum(dim=1) / goal.square().sum(dim=1).clamp(min=TINY)

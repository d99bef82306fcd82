"""The activation grid: for each place of a picture, a picture of what the network saw there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from cutaway.blocks.drawn import Drawn
from cutaway.blocks.icons import fitting_size
from cutaway.blocks.places import check_grid, on_grid
from cutaway.core.errors import OptionError
from cutaway.data.pictures import Source
from cutaway.featurevis import directions, visualize
from cutaway.nets.model import Model
from cutaway.report.drawing import tile, to_raster

CELLS, SIZE, STEPS = 8, 64, 64
"""Most places per side, pixels of each picture, steps of its optimisation."""

LEAST = 0.25  # side of the faintest cell, as a share of the strongest one's


@dataclass(frozen=True)
class ActivationGrid(Drawn):
    """What one layer saw at each place of one picture.

    strength: norm of the activation vector at each place, as a share of the strongest place's.
    cells: the visualization of each place's vector, row by row.
    """

    layer: str
    strength: Float[np.ndarray, "rows columns"]
    cells: UInt8[np.ndarray, "places side side 3"]

    @property
    def caption(self) -> str:
        """What the picture shows."""
        return f"activation grid of {self.layer}"

    def draw(self, side: int = 64) -> UInt8[np.ndarray, "height width 3"]:
        """The whole grid on white; the more a place excites the layer, the larger its cell."""
        rows, columns = self.strength.shape
        table = [[self.cells[row * columns + column] for column in range(columns)] for row in range(rows)]
        return tile(table, side, LEAST + (1 - LEAST) * self.strength)


def activation_grid(
    model: Model,
    picture: Source,
    layer: str,
    *,
    cells: int = CELLS,
    size: int = SIZE,
    steps: int = STEPS,
    seed: int = 0,
    batch_size: int | None = None,
) -> ActivationGrid:
    """What the layer saw at each place, as visualizations of its activation vectors (all in one batch).

    cells: at most so many rows and columns; where the layer's grid is finer, neighbouring places are averaged.
    size: pixels of each visualization. steps: of its optimisation.
    Olah et al. 2018, "The Building Blocks of Interpretability".
    """
    if cells < 1:
        raise OptionError(f"cells is {cells}; expected at least 1 place per side")
    check_grid(model, layer)
    vectors, strength = place_vectors(on_grid(model, picture, layer).cpu(), cells)
    found = visualize(
        model,
        directions(layer, vectors),
        size=fitting_size(model, size),
        steps=steps,
        seed=seed,
        batch_size=batch_size,
    )
    return ActivationGrid(layer, strength, np.stack([to_raster(each.numpy()) for each in found.pictures]))


def place_vectors(
    values: Float[Tensor, "channels rows columns"], cells: int
) -> tuple[Float[Tensor, "places channels"], Float[np.ndarray, "coarse_rows coarse_columns"]]:
    """The activation vector of each place, row by row, and their norms as shares of the largest one."""
    rows, columns = (math.ceil(side / math.ceil(side / cells)) for side in values.shape[1:])
    coarse = F.adaptive_avg_pool2d(values, (rows, columns))
    norms = coarse.norm(dim=0).double().numpy()
    return coarse.flatten(1).T.contiguous(), norms / (norms.max() or 1.0)

"""The activation atlas: everything that a layer sees in a set of pictures, on one map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from cutaway.blocks.drawn import Drawn
from cutaway.blocks.icons import fitting_size
from cutaway.blocks.places import check_grid, several_pictures
from cutaway.core.errors import LayerError, OptionError
from cutaway.core.seeds import generator
from cutaway.data.pictures import Source
from cutaway.featurevis import directions, visualize
from cutaway.nets.model import Model
from cutaway.report.drawing import Raster, blank, tile, to_raster
from cutaway.trace import layout, trace

CELLS, SIZE, STEPS, PLACES, BATCH = 8, 64, 64, 4, 32
"""Cells per side, pixels and steps of each, places that are taken of each picture, pictures at once."""

PROJECTIONS = ("tsne", "pca")
FAINTEST = 0.4  # side of the cell with the fewest vectors, as a share of the fullest one's


@dataclass(frozen=True)
class ActivationAtlas(Drawn):
    """A map of activation vectors: near ones lie near each other, and each cell shows the mean of those within it.

    counts: vectors in each cell. labels: the class that most pictures behind a cell were taken for, "" where it is
    empty. cells: what excites each cell's mean, row by row (empty ones are white). positions: of each vector on the
    map, in [0, 1] (down, right); origins: its picture, row and column.
    """

    layer: str
    counts: Int[np.ndarray, "rows columns"]
    labels: tuple[tuple[str, ...], ...]
    cells: UInt8[np.ndarray, "places side side 3"]
    positions: Float[np.ndarray, "vectors 2"]
    origins: Int[np.ndarray, "vectors 3"]

    @property
    def caption(self) -> str:
        """What the picture shows."""
        return f"activation atlas of {self.layer} over {len(self.positions)} activation vectors"

    def draw(self, side: int = 64) -> Raster:
        """The map; the more vectors a cell holds, the larger it is."""
        rows, columns = self.counts.shape
        table = [[self.cells[row * columns + column] for column in range(columns)] for row in range(rows)]
        share = FAINTEST + (1 - FAINTEST) * np.sqrt(self.counts / max(1, int(self.counts.max())))
        return tile(table, side, np.where(self.counts > 0, share, 0.0))


def activation_atlas(
    model: Model,
    pictures: Source | Sequence[Source],
    layer: str,
    *,
    cells: int = CELLS,
    projection: str = "tsne",
    places: int = PLACES,
    size: int = SIZE,
    steps: int = STEPS,
    seed: int = 0,
    batch_size: int | None = None,
) -> ActivationAtlas:
    """The activation vectors of random places of the pictures, projected onto a map and averaged cell by cell.

    cells: per side of the map. projection: "tsne", or "pca". places: how many of each picture. size, steps: of each
    cell, drawn from its mean less the mean of all, so that it shows what sets the cell apart.
    batch_size: pictures at once. After Carter et al. 2019, "Activation Atlas" (t-SNE for UMAP, no whitening).
    """
    if projection not in PROJECTIONS:
        raise OptionError(f'projection is "{projection}"; expected one of {", ".join(PROJECTIONS)}')
    if cells < 1 or places < 1:
        raise OptionError(f"cells is {cells} and places is {places}; expected at least 1 of each")
    check_grid(model, layer)
    vectors, origins, answers = _sample(model, several_pictures(model, pictures), layer, places, seed, batch_size)
    if not bool(vectors.isfinite().all()) or not bool(vectors.std(0).any()):
        raise LayerError(
            f"{layer} gave the same or no finite answer at all {len(vectors)} places; expected activations that "
            "differ; try another layer or more pictures"
        )
    positions = _map(vectors.numpy(), projection, seed)
    cell = np.minimum((positions * cells).astype(int), cells - 1)
    index = cell[:, 0] * cells + cell[:, 1]
    counts = np.bincount(index, minlength=cells * cells)
    full = np.flatnonzero(counts)
    overall = vectors.mean(0)
    means = torch.stack([vectors[torch.from_numpy(index == each)].mean(0) - overall for each in full])
    side = fitting_size(model, size)
    drawn = visualize(model, directions(layer, means), size=side, steps=steps, seed=seed, batch_size=batch_size)
    shown = blank(len(counts), side)
    shown[full] = [to_raster(picture.numpy()) for picture in drawn.pictures]
    labels = [_commonest(model, answers[index == each]) for each in range(len(counts))]
    return ActivationAtlas(
        layer=layer,
        counts=counts.reshape(cells, cells),
        labels=tuple(tuple(labels[start : start + cells]) for start in range(0, len(labels), cells)),
        cells=shown,
        positions=positions,
        origins=origins,
    )


def _sample(
    model: Model, pictures: Tensor, layer: str, places: int, seed: int, batch_size: int | None
) -> tuple[Float[Tensor, "vectors channels"], Int[np.ndarray, "vectors 3"], Int[np.ndarray, " vectors"]]:
    """Vectors at random places, where they come from, and the class that their picture was taken for."""
    axes = layout(model, layer)
    rows, columns = axes.grid
    draw = generator(seed, "atlas")
    count = min(places, rows * columns)
    vectors, origins, answers = [], [], []
    for start in range(0, len(pictures), batch_size or BATCH):
        with torch.no_grad():
            seen = trace(model, pictures[start : start + (batch_size or BATCH)], [layer])
        grid = axes.to_grid(seen[layer]).float().cpu().flatten(2)
        likeliest = seen.logits.argmax(1).cpu() if seen.logits is not None else torch.zeros(len(grid), dtype=torch.long)
        for number, values in enumerate(grid):
            chosen = torch.randperm(rows * columns, generator=draw)[:count]
            vectors.append(values[:, chosen].T)
            origins += [(start + number, int(place) // columns, int(place) % columns) for place in chosen]
            answers += [int(likeliest[number])] * count
    return torch.cat(vectors), np.array(origins), np.array(answers)


def _map(vectors: Float[np.ndarray, "vectors channels"], projection: str, seed: int) -> Float[np.ndarray, "vectors 2"]:
    """Positions in [0, 1], the outermost percent of each side moved to the edge."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    least = min(vectors.shape)
    if projection == "pca" or len(vectors) < 4:
        found = PCA(min(2, least), random_state=seed).fit_transform(vectors)
        found = np.pad(found, ((0, 0), (0, 2 - found.shape[1])))
    else:
        short = PCA(min(50, least), random_state=seed).fit_transform(vectors)
        perplexity = min(30.0, (len(vectors) - 1) / 3)
        found = TSNE(2, init="pca", perplexity=perplexity, random_state=seed).fit_transform(short)
    low, high = np.percentile(found, [1, 99], axis=0)
    positions: Float[np.ndarray, "vectors 2"] = ((found - low) / np.where(high > low, high - low, 1)).clip(0, 1)
    return positions.astype(np.float64)


def _commonest(model: Model, classes: Int[np.ndarray, " vectors"]) -> str:
    return model.label(Counter(classes.tolist()).most_common(1)[0][0]) if len(classes) else ""

"""The activation atlas: near vectors share a cell, and every vector is counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cutaway.blocks import activation_atlas
from cutaway.core.errors import LayerError, OptionError
from cutaway.trace import activations

LAYER = "0.3"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path))


@pytest.fixture
def two_kinds() -> torch.Tensor:
    """Dark and bright pictures, with a little noise."""
    noise = torch.rand(10, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.1
    return noise + torch.tensor([0.0, 0.9]).repeat(5)[:, None, None, None]


@pytest.mark.parametrize("projection", ["tsne", "pca"])
def test_vectors_of_a_kind_lie_together(model, two_kinds, projection):
    found = activation_atlas(model, two_kinds, LAYER, cells=3, places=3, projection=projection, size=16, steps=1)
    assert found.positions.shape == (30, 2)
    assert found.counts.sum() == 30
    bright = found.origins[:, 0] % 2 == 1
    centres = [found.positions[which].mean(0) for which in (bright, ~bright)]
    spread = max(found.positions[which].std(0).mean() for which in (bright, ~bright))
    assert np.linalg.norm(centres[0] - centres[1]) > spread
    assert found.positions.min() >= 0
    assert found.positions.max() <= 1


def test_origins_say_where_a_vector_comes_from(model, two_kinds):
    """The vectors at the origins, laid into the cells of their positions, are as many as the counts say."""
    found = activation_atlas(model, two_kinds, LAYER, cells=4, places=2, projection="pca", size=16, steps=1)
    grid = activations(model, two_kinds, [LAYER])[LAYER]
    assert found.origins.max(0).tolist()[0] == 9
    assert (found.origins[:, 1:] < np.array(grid.shape[2:])).all()
    cell = np.minimum((found.positions * 4).astype(int), 3)
    for row, column in np.ndindex(4, 4):
        assert found.counts[row, column] == (cell == [row, column]).all(1).sum()
        assert (found.labels[row][column] == "") == (found.counts[row, column] == 0)
    vectors = np.stack([grid[n, :, r, c].numpy() for n, r, c in found.origins])
    centred = vectors - vectors.mean(0)
    first = np.linalg.svd(centred, full_matrices=False)[2][0]
    assert abs(np.corrcoef(centred @ first, found.positions[:, 0])[0, 1]) > 0.95, "the first axis is the principal one"


def test_empty_cells_stay_white_and_full_ones_are_drawn(model, two_kinds):
    found = activation_atlas(model, two_kinds, LAYER, cells=4, places=1, size=16, steps=1)
    for count, cell in zip(found.counts.flatten(), found.cells, strict=True):
        assert (cell == 255).all() == (count == 0)
    assert found.draw(16).shape == (4 * 18 - 2, 4 * 18 - 2, 3)
    assert "activation atlas of 0.3 over 10 activation vectors" in found._repr_html_()


def test_the_same_seed_gives_the_same_map(model, two_kinds):
    one, same, other = (
        activation_atlas(model, two_kinds, LAYER, cells=3, size=16, steps=1, seed=seed, batch_size=4)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one.positions, same.positions)
    assert np.array_equal(one.cells, same.cells)
    assert not np.array_equal(one.origins, other.origins)


def test_mistakes(model, two_kinds):
    with pytest.raises(OptionError, match='projection is "umap"; expected one of tsne, pca'):
        activation_atlas(model, two_kinds, LAYER, projection="umap")
    with pytest.raises(OptionError, match="cells is 0 and places is 4; expected at least 1 of each"):
        activation_atlas(model, two_kinds, LAYER, cells=0)
    with torch.no_grad():
        model.module[0][2].weight.zero_()
    with pytest.raises(LayerError, match=r"0\.3 gave the same or no finite answer at all 20 places"):
        activation_atlas(model, two_kinds, LAYER, places=2)

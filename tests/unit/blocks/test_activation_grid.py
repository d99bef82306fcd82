"""The activation grid: each cell is what the network saw at its place."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pytest
import torch

from cutaway.blocks.activation_grid import ActivationGrid, activation_grid, place_vectors
from cutaway.blocks.channel_attribution import channel_attribution
from cutaway.blocks.icons import fitting_size, icons
from cutaway.blocks.semantic_dictionary import semantic_dictionary
from cutaway.core.errors import OptionError
from cutaway.nets import Model, Preprocess


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))


def test_neighbouring_places_are_averaged_and_weighed_by_their_norm():
    values = torch.arange(2 * 4 * 4, dtype=torch.float32).reshape(2, 4, 4)
    vectors, strength = place_vectors(values, 2)
    expected = torch.stack([values[:, y : y + 2, x : x + 2].mean(dim=(1, 2)) for y in (0, 2) for x in (0, 2)])
    assert torch.allclose(vectors, expected)
    norms = expected.norm(dim=1)
    assert np.allclose(strength.ravel(), norms / norms.max())
    assert place_vectors(values, 9)[0].shape == (16, 2)  # a grid is never made finer than it is


def test_silence_everywhere_is_no_division_by_zero():
    assert place_vectors(torch.zeros(3, 2, 2), 2)[1].tolist() == [[0, 0], [0, 0]]


def test_each_cell_excites_the_direction_of_its_place(model, picture):
    """More than the cell of the place that points elsewhere most."""
    grid = activation_grid(model, picture, "0.3", cells=2, size=32, steps=24)
    assert grid.cells.shape == (4, 32, 32, 3)
    with torch.no_grad():
        values = model.module[0](model.preprocess.normalise(picture[None]))[0]
        vectors, _ = place_vectors(values, 2)
        seen = torch.from_numpy(grid.cells).permute(0, 3, 1, 2).float() / 255
        answers = model.module[0](model.preprocess.normalise(seen)).mean(dim=(2, 3))
        noise = model.module[0](model.preprocess.normalise(torch.full((1, 3, 32, 32), 0.5))).mean(dim=(2, 3))
    for place, vector in enumerate(vectors):
        assert float(answers[place] @ vector) > 1.2 * float(noise[0] @ vector)


def test_it_draws_stronger_places_larger():
    cells = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    grid = ActivationGrid("layer", np.array([[1.0, 0.0], [0.5, 1.0]]), cells)
    sheet = grid.draw(side=40)
    assert sheet.shape == (82, 82, 3)
    dark = (sheet == 0).all(axis=2)
    areas = [dark[:40, :40].sum(), dark[:40, 42:].sum(), dark[42:, :40].sum()]
    assert areas == [40 * 40, 10 * 10, 25 * 25]
    assert grid._repr_html_().startswith("<img")


def test_at_least_one_cell_is_asked_for(model, picture):
    with pytest.raises(OptionError, match="cells is 0; expected at least 1"):
        activation_grid(model, picture, "0.3", cells=0)


def test_pictures_are_no_larger_than_the_network_sees(model):
    assert fitting_size(model, 128) == 32
    assert fitting_size(model, 24) == 24
    assert fitting_size(Model(model.module, Preprocess(size=8)), 128) == 16


def test_every_channel_is_drawn_once(model):
    drawn = icons(model, "0.3", [5, 2, 5], steps=2)
    assert list(drawn) == [5, 2]
    assert {raster.shape for raster in drawn.values()} == {(32, 32, 3)}
    assert not np.array_equal(drawn[5], drawn[2])
    assert icons(model, "0.3", []) == {}


def test_blocks_show_the_icons_of_what_they_name(model, picture, monkeypatch):
    for block in ("channel_attribution", "semantic_dictionary"):
        monkeypatch.setattr(sys.modules[f"cutaway.blocks.{block}"], "icons", partial(icons, steps=2))
    argued = channel_attribution(model, picture, "0.3", visualize=1)
    assert set(argued.icons) == {channel for side in argued.strongest(1) for channel in side}
    assert argued.draw(1).shape[1] == 96 + 8 + 96 + 8 + 192
    spelled = semantic_dictionary(model, picture, "0.3", 2, visualize=1)
    assert set(spelled.icons) == set(spelled.strongest(1)[0].channels)
    assert spelled.draw(1).shape == (112, 3 * 96 + 2 * 8, 3)

"""The semantic dictionary: what fires most at a place, spelled in channels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cutaway.blocks.places import one_picture, strongest_places
from cutaway.blocks.semantic_dictionary import semantic_dictionary
from cutaway.core.errors import LayerError, OptionError, PictureError
from cutaway.trace import activations


def test_each_place_is_spelled_in_its_strongest_channels(model, picture):
    found = semantic_dictionary(model, picture, "0.3", 3, visualize=0)
    acts = activations(model, picture[None], ["0.3"])["0.3"][0]
    norms = acts.norm(dim=0)
    assert [(entry.row, entry.column) for entry in found.entries] == [(y, x) for y in range(8) for x in range(8)]
    for entry in found.entries[::9]:
        there = {channel: float(acts[channel, entry.row, entry.column]) for channel in range(12)}
        best = sorted(there, key=there.__getitem__, reverse=True)[:3]
        assert list(entry.channels) == best
        assert entry.values == pytest.approx([there[channel] for channel in best])
        assert entry.strength == pytest.approx(float(norms[entry.row, entry.column] / norms.max()), rel=1e-5)


def test_chosen_places_are_strong_and_no_neighbours():
    strength = np.zeros((12, 12))
    strength[3, 3], strength[3, 4], strength[9, 9], strength[0, 11] = 9, 8, 7, 6
    assert strongest_places(strength, 3) == [(3, 3), (9, 9), (0, 11)]
    assert len(strongest_places(np.ones((2, 2)), 10)) == 1  # no more than fit


def test_the_strongest_place_comes_first(model, picture):
    found = semantic_dictionary(model, picture, "0.1", 2, visualize=0)
    strengths = [entry.strength for entry in found.strongest(4)]
    assert strengths[0] == 1
    assert strengths == sorted(strengths, reverse=True)


def test_it_frames_its_places_and_draws_itself(model, picture):
    found = semantic_dictionary(model, picture, "0.3", 2, visualize=0)
    entry = found.strongest(1)[0]
    rows, columns = slice(entry.row * 4, entry.row * 4 + 4), slice(entry.column * 4, entry.column * 4 + 4)
    assert np.array_equal(found.place(entry)[rows, columns], found.picture[rows, columns])
    assert found.draw(3).shape == (3 * 96 + 2 * 8, 96, 3)
    assert "0.3" in found._repr_html_()


def test_a_layer_without_places_is_refused(model, picture):
    with pytest.raises(LayerError, match=r'layer "3" of small has 5 channels but only one place'):
        semantic_dictionary(model, picture, "3", 2, visualize=0)


def test_at_least_one_channel_is_asked_for(model, picture):
    with pytest.raises(OptionError, match="k is 0"):
        semantic_dictionary(model, picture, "0.3", 0, visualize=0)


def test_pictures_are_prepared_unless_they_are_tensors(model, picture):
    assert torch.equal(one_picture(model, picture)[0], picture)
    assert one_picture(model, np.zeros((50, 40, 3), dtype=np.uint8)).shape == (1, 3, 32, 32)
    with pytest.raises(PictureError, match=r"a tensor of shape \(2, 3, 32, 32\) is not one picture"):
        one_picture(model, picture.expand(2, -1, -1, -1))

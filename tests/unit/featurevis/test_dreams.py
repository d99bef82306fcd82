"""Dreams and accentuations: a picture, and more of what a network sees in it."""

from __future__ import annotations

import pytest
import torch

from cutaway.core.errors import OptionError
from cutaway.featurevis import accentuate, dream, moved_scores, unit
from cutaway.featurevis.objectives import deepdream
from cutaway.nets.model import Model
from cutaway.trace import activations

GIVEN = torch.rand(3, 60, 80, generator=torch.Generator().manual_seed(7))
MIDDLE = torch.nn.functional.interpolate(GIVEN[None, :, :, 10:70], 48, mode="bilinear", antialias=True)


def test_a_dream_is_the_picture_with_more_of_what_the_layer_sees(model: Model) -> None:
    found = dream(model, GIVEN, "1", size=48, octaves=2, steps=4)
    assert found.pictures.shape == (1, 3, 48, 48)
    assert found.history.shape == (1, 8)
    before = moved_scores(model, deepdream("1"), MIDDLE, transforms="none", draws=1)
    assert found.scores[0] > 1.1 * before[0]
    together = torch.stack([found.pictures.flatten(), MIDDLE.flatten()])
    assert torch.corrcoef(together)[0, 1] > 0.5  # still that picture
    assert torch.equal(dream(model, GIVEN, "1", size=48, octaves=2, steps=4, cache=False).pictures, found.pictures)


def test_dreams_of_any_objective(model: Model) -> None:
    found = dream(model, GIVEN, unit("3:1"), size=48, octaves=2, steps=4)
    assert found.scores[0] > moved_scores(model, unit("3:1"), MIDDLE, transforms="none", draws=1)[0]


@pytest.mark.parametrize("octaves", [0, 9])
def test_octaves_have_a_least_size(model: Model, octaves: int) -> None:
    with pytest.raises(OptionError, match=f"octaves is {octaves}, the smallest of .* px; expected 1 or more, of 16 px"):
        dream(model, GIVEN, "1", size=48, octaves=octaves)


def test_accentuation_raises_the_unit_and_keeps_what_the_layer_sees(model: Model) -> None:
    before = activations(model, MIDDLE, ["0"])["0"]
    distances = []
    for strength in (0.0, 20.0):
        found = accentuate(model, GIVEN, unit("3:1"), near="0", strength=strength, size=48, steps=16, rate=1.0)
        assert found.scores[0] > moved_scores(model, unit("3:1"), MIDDLE, transforms="none", draws=1)[0]
        distances.append(float((activations(model, found.pictures, ["0"])["0"] - before).norm()))
    assert distances[1] < 0.9 * distances[0]
    assert accentuate(model, GIVEN, unit("3:1"), size=48, steps=2).pictures.shape == (1, 3, 48, 48)

"""Relations against the sums of the articles, written out."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from cutaway.core.errors import OptionError
from cutaway.featurevis import activation_match, alignment, batch, copies, diversity, interpolation, unit, visualize
from cutaway.featurevis.relations import DECAY, read_alignment, read_caricature, read_diversity, read_inversion
from cutaway.nets.model import Model

GRID = torch.randn(6, 3, 2, 4, generator=torch.Generator().manual_seed(0))
NOTHING = torch.empty(6, 0)
GIVEN = torch.rand(3, 40, 60, generator=torch.Generator().manual_seed(7))


def test_diversity_is_the_mean_cosine_of_gram_matrices() -> None:
    found = read_diversity(GRID, NOTHING)
    grams = [torch.stack([torch.stack([(a * b).sum() for b in picture]) for a in picture]) for picture in GRID]
    for i, gram in enumerate(grams):
        cosines = [(gram * other).sum() / (gram.norm() * other.norm()) for j, other in enumerate(grams) if j != i]
        torch.testing.assert_close(found[i], torch.stack(cosines).mean())


def test_diversity_of_one_picture_or_of_nothing_is_nothing() -> None:
    assert float(read_diversity(GRID[:1], NOTHING[:1])) == pytest.approx(0, abs=1e-6)
    assert torch.equal(read_diversity(torch.zeros(2, 3, 2, 2), NOTHING[:2]), torch.zeros(2))


def test_alignment_is_the_distance_from_neighbours() -> None:
    found = read_alignment(GRID, NOTHING)
    for i in range(6):
        distances = [
            float((GRID[i] - GRID[j]).square().mean() / DECAY ** abs(i - j)) for j in range(6) if 0 < abs(i - j) <= 4
        ]
        assert float(found[i]) == pytest.approx(-sum(distances) / float(GRID.square().mean()), rel=1e-4)
    assert torch.equal(read_alignment(torch.ones(3, 2, 2, 2), NOTHING[:3]), torch.zeros(3))


def test_a_picture_matches_itself() -> None:
    torch.testing.assert_close(read_caricature(GRID, GRID), torch.ones(6))
    torch.testing.assert_close(read_inversion(GRID, GRID), torch.zeros(6))
    torch.testing.assert_close(read_caricature(3 * GRID, GRID), torch.full((6,), 3.0))
    torch.testing.assert_close(read_inversion(3 * GRID, GRID), torch.full((6,), -4.0))


def test_a_caricature_is_the_dot_product_times_the_cosine() -> None:
    other = GRID.flip(0)
    for a, b, found in zip(GRID, other, read_caricature(GRID, other), strict=True):
        dot = float((a * b).sum())
        cosine = dot / math.sqrt(float((a**2).sum()) * float((b**2).sum()))
        assert float(found) == pytest.approx(dot / float((b**2).sum()) * max(cosine, 0.1), rel=1e-4)


def test_what_a_layer_saw_is_found_again(model: Model) -> None:
    """Under every transform: the given picture is moved as the new one is."""
    common = {"size": 32, "steps": 40, "cache": False}
    for transforms in ("none", "jitter"):
        inverted = visualize(model, activation_match("1", GIVEN, "inversion"), transforms=transforms, **common)
        assert -0.25 < inverted.scores[0] < 0
        assert inverted.history[0, 0] < 4 * inverted.scores[0]
    exaggerated = visualize(model, activation_match("1", GIVEN), **common)
    assert exaggerated.scores[0] > 1.1


def test_a_term_that_compares_joins_any_other(model: Model) -> None:
    several = batch([unit("3:1"), activation_match("1", GIVEN), unit("3:2")]) + 0.5 * activation_match("3", GIVEN)
    found = visualize(model, several, size=32, steps=3, transforms="none")
    assert (found.scores > found.history[:, 0]).all()


def test_diversity_moves_copies_apart(model: Model) -> None:
    four = copies(unit("3:1"), 4)
    common = {"size": 32, "steps": 24, "transforms": "none", "cache": False}
    alike, apart = (visualize(model, each, **common).pictures for each in (four, four - 20.0 * diversity("1")))
    assert torch.equal(alike[0], alike[1])  # one objective, one picture
    assert far(apart) > 0.05


def test_alignment_keeps_forms_in_place(model: Model) -> None:
    way = interpolation(unit("3:1"), unit("3:2"), 4)
    common = {"size": 32, "steps": 24, "transforms": "none", "cache": False}
    free, aligned = (visualize(model, each, **common).pictures for each in (way, way + 5.0 * alignment("1")))
    assert far(aligned) < 0.8 * far(free)


def test_an_interpolation_has_both_ends() -> None:
    way = interpolation("a:1", unit("a:2"), 3)
    assert [[term.weight for term in terms] for terms in way.pictures] == [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    with pytest.raises(OptionError, match="an interpolation over 1 pictures; expected at least 2"):
        interpolation("a:1", "a:2", 1)
    with pytest.raises(OptionError, match="0 copies; expected at least 1"):
        copies("a:1", 0)
    with pytest.raises(OptionError, match='no match "inverse"; expected one of caricature, inversion; did you mean'):
        activation_match("a", GIVEN, "inverse")


def test_pictures_made_together_are_kept_together(model: Model) -> None:
    three = copies(unit("3:1"), 3) - diversity("1")
    first = visualize(model, three, size=32, steps=3)
    assert torch.equal(visualize(model, three, size=32, steps=3).pictures, first.pictures)
    pair = visualize(model, copies(unit("3:1"), 2) - diversity("1"), size=32, steps=3)
    assert not torch.equal(pair.pictures, first.pictures[:2])
    with pytest.raises(OptionError, match="batch_size is 2, but these 3 pictures depend on each other"):
        visualize(model, three, size=32, steps=3, batch_size=2)
    with pytest.raises(OptionError, match="compares its pictures with each other and asks a function of a trace"):
        visualize(model, three + (lambda seen: seen["1"].mean()), size=32, steps=3)


def test_shared_numbers_make_pictures_alike(model: Model) -> None:
    common = {"size": 32, "steps": 12, "transforms": "none"}
    alone, shared = (
        visualize(model, batch(["3:1", "3:2"]), parameterization=p, **common) for p in ("fourier", "shared")
    )
    assert far(shared.pictures) < far(alone.pictures)


def far(pictures: Tensor) -> float:
    """The mean difference of two pictures."""
    return float(torch.stack([(a - b).abs().mean() for a, b in itertools.combinations(pictures, 2)]).mean())

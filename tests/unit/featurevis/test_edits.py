"""Edits against what Yosinski et al. write, pixel by pixel; and that they and early ends do what they say."""

from __future__ import annotations

import math

import pytest
import torch

from cutaway.featurevis import REGULARIZERS, Edit, unit, units, visualize
from cutaway.featurevis.edits import blur, clip_contribution, clip_norm, decay
from cutaway.nets.model import Model

PICTURES = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
GRADIENT = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))
EDITS = [name for name, regularizer in REGULARIZERS.items() if isinstance(regularizer, Edit)]


def test_decay_goes_a_share_of_the_way_to_grey() -> None:
    torch.testing.assert_close(decay(PICTURES, GRADIENT, 0.1) - 0.5, 0.9 * (PICTURES - 0.5))
    assert torch.equal(decay(PICTURES, GRADIENT, 1.0), torch.full_like(PICTURES, 0.5))


def test_blur_is_a_gaussian() -> None:
    point = torch.full((1, 1, 15, 15), 0.5)
    point[..., 7, 7] = 1.0
    blurred = blur(point, point, 1.5) - 0.5
    for y, x in ((7, 7), (7, 9), (5, 6), (4, 10)):
        ratio = float(blurred[0, 0, y, x] / blurred[0, 0, 7, 7])
        assert ratio == pytest.approx(math.exp(-((y - 7) ** 2 + (x - 7) ** 2) / (2 * 1.5**2)), rel=1e-4)
    assert float(blurred.sum()) == pytest.approx(0.5, rel=1e-3)
    assert torch.equal(blur(PICTURES, GRADIENT, 0.0), PICTURES)
    flat = torch.full((1, 3, 9, 9), 0.3)
    torch.testing.assert_close(blur(flat, flat, 2.0), flat)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_clipping_takes_the_pixels_of_least_worth(share: float) -> None:
    for clip, worth in (
        (clip_norm, lambda p, g: math.sqrt(sum((float(v) - 0.5) ** 2 for v in p))),
        (clip_contribution, lambda p, g: abs(sum((float(v) - 0.5) * float(d) for v, d in zip(p, g, strict=True)))),
    ):
        clipped = clip(PICTURES, GRADIENT, share)
        for before, after, gradient in zip(PICTURES, clipped, GRADIENT, strict=True):
            order = sorted(
                ((y, x) for y in range(12) for x in range(12)),
                key=lambda at, p=before, g=gradient, w=worth: w(p[:, at[0], at[1]], g[:, at[0], at[1]]),  # type: ignore[misc]
            )
            gone = round(share * len(order))
            assert all((after[:, y, x] == 0.5).all() for y, x in order[:gone])
            assert all(torch.equal(after[:, y, x], before[:, y, x]) for y, x in order[gone:])


def test_what_was_not_seen_is_not_clipped() -> None:
    seen = GRADIENT.clone()
    seen[..., :3] = 0
    for clip in (clip_norm, clip_contribution):
        clipped = clip(PICTURES, seen, 0.5)
        assert torch.equal(clipped[..., :3], PICTURES[..., :3])
        assert ((clipped == 0.5).all(dim=1).sum(dim=(1, 2)) == 72).all()


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("parameterization", ["pixel", "fourier", "laplacian"])
def test_pictures_rise_under_every_edit(model: Model, name: str, parameterization: str) -> None:
    edited = visualize(
        model, unit("3:1"), size=32, steps=16, regularizers=[name], parameterization=parameterization, transforms="none"
    )
    assert edited.scores[0] > edited.history[0, 0]
    assert edited.notes == ("",)


def test_regularizers_that_remove_everything_say_so(model: Model) -> None:
    for name in ("decay", "clip_norm", "clip_contribution"):
        found = visualize(model, unit("3:1"), size=32, steps=4, regularizers=[(name, 1.0)])
        assert "the regularizers removed all that was in this picture" in found.notes[0]
        assert found.pictures.isfinite().all()
    found = visualize(model, unit("3:1"), size=32, steps=60, regularizers=[("contrast", 1e6)])
    assert found.pictures.isfinite().all()


def test_edits_of_ones_own(model: Model) -> None:
    half = Edit(lambda pictures, gradient, weight: pictures.clamp(0.5 - weight, 0.5 + weight), usual=0.1)
    found = visualize(model, unit("3:1"), size=32, steps=8, regularizers=[half])
    assert (found.pictures - 0.5).abs().max() < 0.101


def test_pictures_that_rise_no_more_end_early(model: Model) -> None:
    told: list[tuple[int, int]] = []
    common = {"size": 32, "steps": 80, "transforms": "none", "cache": False, "precision": "float32"}
    names = ["3:1", "3:2", "1:3"]
    found = visualize(model, units(names), tolerance=0.3, progress=lambda *p: told.append(p), **common)
    ends = [int((row != row[-1]).nonzero().max()) + 1 for row in found.history]
    assert min(ends) < 79
    assert len(set(ends)) > 1
    assert told[-1] == (240, 240)
    alone = visualize(model, names[1], tolerance=0.3, **common)
    torch.testing.assert_close(alone.pictures[0], found.pictures[1], atol=1e-3, rtol=0)  # whoever ended before it
    full = visualize(model, units(names), **common)
    torch.testing.assert_close(full.history[0, : ends[0]], found.history[0, : ends[0]], rtol=1e-3, atol=1e-4)

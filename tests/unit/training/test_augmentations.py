"""Changes of pictures to train with: what each leaves as it is, that they repeat, and the large fixed set."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cutaway.training.augmentations import CHANGES, FIXED, changed, jiggled, shuffled, views_of

PICTURES = torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_repeats_with_the_seed_and_differs_from_picture_to_picture(name: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = CHANGES[name](PICTURES[:1].expand(6, -1, -1, -1))
        torch.manual_seed(1)
        again = CHANGES[name](PICTURES[:1].expand(6, -1, -1, -1))
    assert torch.equal(first, again)
    assert first.shape == PICTURES.shape
    assert len({tuple(each.flatten().tolist()) for each in first}) > 1


def test_jiggled_colours_leave_every_channel_a_straight_function_of_itself() -> None:
    before, after = (each - each.mean((2, 3), keepdim=True) for each in (PICTURES, jiggled(PICTURES)))
    cosines = nn.functional.cosine_similarity(before.flatten(2), after.flatten(2), dim=2)
    torch.testing.assert_close(cosines.abs(), torch.ones(6, 3))


def test_shuffled_channels_are_the_same_three() -> None:
    found = shuffled(PICTURES)
    for before, after in zip(PICTURES, found, strict=True):
        assert sorted(each.sum().item() for each in before) == sorted(each.sum().item() for each in after)


def test_the_fixed_set_holds_the_picture_as_it_is_its_grey_and_its_quarter_of_contrast() -> None:
    assert len(FIXED) == len(set(FIXED)) == 162
    same, grey, faint = (FIXED.index((0, 1.0, 0.0, *rest)) for rest in ((1.0, 1.0), (1.0, 0.0), (0.7, 1.0)))
    found = changed(PICTURES[:3], torch.tensor([same, grey, faint]))
    torch.testing.assert_close(found[0], PICTURES[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[1], PICTURES[1].mean(0).expand(3, -1, -1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[2], 0.7 * PICTURES[2], atol=1e-5, rtol=1e-5)


def test_a_zoom_is_taken_about_the_middle() -> None:
    dot = torch.zeros(1, 3, 17, 17)
    dot[:, :, 8, 8] = 1.0
    dot[:, :, 8, 12] = 1.0
    larger = changed(dot, torch.tensor([FIXED.index((0, 1.2, 0.0, 1.0, 1.0))]))
    assert float(larger[0, 0, 8, 8]) == pytest.approx(1.0, abs=1e-4)
    assert int(larger[0, 0, 8, 10:].argmax()) + 10 == 13  # 4 * 1.2 = 4.8 places from the middle


def test_views_show_each_batch_once() -> None:
    for name in ("none", "noise"):
        views = list(views_of(name)(nn.Identity(), PICTURES, torch.arange(6)))
        assert len(views) == 1
        assert torch.equal(views[0][0], PICTURES) == (name == "none")

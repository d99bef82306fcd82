"""Preprocessing: what torchvision's own transforms do, inside the Model and differentiable."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cutaway.core.errors import OptionError
from cutaway.data.pictures import from_pil
from cutaway.nets.preprocess import LUMINANCE, Preprocess, guess_preprocess


def photograph(width: int, height: int) -> Image.Image:
    """Smooth noise, so that resampling has something to get right."""
    noise = np.random.default_rng(0).integers(0, 255, (height // 4, width // 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(("width", "height"), [(90, 60), (60, 91), (48, 48)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_short_side_then_centre_crop_as_pillow_does_it(width: int, height: int, interpolation: str) -> None:
    image = photograph(width, height)
    short = min(width, height)
    inner = width * 36 // short, height * 36 // short
    left, top = round((inner[0] - 32) / 2), round((inner[1] - 32) / 2)
    resized = image.resize(inner, Image.Resampling[interpolation.upper()])
    expected = from_pil(resized.crop((left, top, left + 32, top + 32)))
    found = Preprocess(size=32, resize=36, interpolation=interpolation).fit(from_pil(image))
    assert (found - expected).abs().max() < 3 / 255  # Pillow rounds to 8 bits between its two directions
    assert found.min() >= 0
    assert found.max() <= 1


def test_without_resize_the_crop_is_as_large_as_it_can_be() -> None:
    picture = from_pil(photograph(80, 40))
    found = Preprocess(size=20).fit(picture)
    assert torch.allclose(found, Preprocess(size=20, resize=20).fit(picture))


def test_stretching_keeps_the_whole_picture() -> None:
    picture = torch.zeros(3, 20, 40)
    picture[:, :, :2] = 1  # a crop would lose this border
    found = Preprocess(size=20, crop=False).fit(picture)
    assert found.shape == (3, 20, 20)
    assert torch.allclose(found[:, :, 0], torch.ones(3, 20), atol=0.3)


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    picture = torch.rand(3, 32, 32)
    assert torch.equal(Preprocess(size=32).fit(picture), picture)


def test_a_network_of_height_and_width() -> None:
    assert Preprocess(size=(20, 30)).fit(torch.rand(3, 50, 50)).shape == (3, 20, 30)


def test_grey_networks_see_luminance_and_rgb_networks_see_grey_three_times() -> None:
    picture = torch.rand(3, 16, 16)
    grey = Preprocess(size=16, mean=(0.0,), std=(1.0,)).fit(picture)
    assert torch.allclose(grey[0], sum(w * c for w, c in zip(LUMINANCE, picture, strict=True)), atol=1e-6)
    assert torch.equal(Preprocess(size=16).fit(grey), grey.expand(3, -1, -1))


def test_normalisation_and_the_order_of_channels() -> None:
    pictures = torch.rand(2, 3, 4, 4)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    found = Preprocess(size=4, mean=mean, std=std).normalise(pictures)
    for channel in range(3):
        assert torch.allclose(found[:, channel], (pictures[:, channel] - mean[channel]) / std[channel])
    turned = Preprocess(size=4, mean=mean, std=std, bgr=True).normalise(pictures)
    assert torch.allclose(turned[:, 0], (pictures[:, 2] - mean[0]) / std[0])


def test_the_gradient_passes_through_in_pixel_units() -> None:
    pictures = torch.rand(1, 3, 4, 4, requires_grad=True)
    Preprocess(size=4, std=(0.5, 0.25, 1.0)).normalise(pictures).sum().backward()
    assert pictures.grad is not None
    assert torch.allclose(pictures.grad[0, :, 0, 0], torch.tensor([2.0, 4.0, 1.0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (0.5,)}, r"mean has 1 values and std 3; expected 1 \(grey\) or 3 \(RGB\)"),
        ({"std": (1.0, 0.0, 1.0)}, "expected positive values"),
        ({"size": 0}, "size is 0; expected at least 1 pixel"),
        ({"interpolation": "magic"}, 'no interpolation "magic"'),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Preprocess(**options)  # type: ignore[arg-type]


def test_a_bare_network_says_itself_whether_it_is_grey() -> None:
    assert len(guess_preprocess(nn.Sequential(nn.Conv2d(1, 2, 3))).mean) == 1
    assert len(guess_preprocess(nn.Sequential(nn.Conv2d(3, 2, 3))).mean) == 3

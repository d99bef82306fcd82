"""Drawings say what the numbers say, with and without colour."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cutaway.report import palette
from cutaway.report.drawing import (
    bar,
    beside,
    heat,
    mark,
    overlay,
    png,
    resize,
    resize_field,
    scale_of,
    spotlight,
    stacked,
    tile,
    to_html,
    to_raster,
)


def hex_of(pixel: np.ndarray) -> str:
    return "#" + "".join(f"{value:02x}" for value in pixel)


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 80, 3)).astype(np.uint8)


@pytest.fixture
def halves() -> np.ndarray:
    """Evidence for on the left, evidence against on the right."""
    return np.concatenate([np.ones((64, 40)), -np.ones((64, 40))], axis=1)


def test_png_keeps_every_pixel_and_repeats_byte_for_byte(photo):
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(photo)))), photo)
    assert png(photo) == png(photo.copy())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_becomes_rgb_of_8_bits(channels):
    picture = np.full((channels, 4, 5), 0.5, dtype=np.float32)
    picture[:, 0, 0] = 1.7  # out of range: clipped, not wrapped
    raster = to_raster(picture)
    assert raster.shape == (4, 5, 3)
    assert raster[0, 0].tolist() == [255] * 3
    assert raster[1, 1].tolist() == [128] * 3


def test_heat_takes_the_palette_s_ends_and_white_for_nothing():
    drawn = heat(np.array([[-1.0, 0.0, 1.0]]), signed=True)
    assert [hex_of(pixel) for pixel in drawn[0]] == [palette.DIVERGING[0], "#ffffff", palette.DIVERGING[-1]]
    drawn = heat(np.array([[0.0, -1.0, 1.0]]), signed=False)
    assert [hex_of(pixel) for pixel in drawn[0]] == ["#ffffff", palette.SEQUENTIAL[-1], palette.SEQUENTIAL[-1]]


def test_the_sequential_scale_darkens_monotonously():
    grey = heat(np.linspace(0, 1, 50)[None], signed=False)[0] @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(grey) <= 0).all()
    assert grey[0] - grey[-1] > 150


def test_one_wild_pixel_does_not_set_the_scale():
    values = np.ones((40, 40))
    values[0, 0] = 1000
    assert scale_of(values) == 1
    assert scale_of(np.zeros((3, 3))) == 1


def test_the_overlay_shows_signs_also_without_colour(photo, halves):
    """The ring around the evidence for is solid, that around the evidence against is dashed."""
    drawn = overlay(photo, halves, signed=True)
    assert drawn.shape == photo.shape
    dark, light = (np.array(list(bytes.fromhex(stop[1:]))) for stop in (palette.SEQUENTIAL[-1], palette.DIVERGING[0]))
    left_edge, right_edge = drawn[2:-2, 0], drawn[2:-2, -1]
    assert (left_edge == dark).all()
    dashes = (right_edge == light).all(axis=1)
    assert 0.3 < dashes.mean() < 0.7


def test_the_overlay_of_nothing_is_the_pale_picture(photo):
    drawn = overlay(photo, np.zeros((8, 8)), signed=True)
    assert (drawn[..., 0] == drawn[..., 1]).all()
    grey = photo @ np.array([0.299, 0.587, 0.114])
    assert np.corrcoef(drawn[..., 0].ravel(), grey.ravel())[0, 1] > 0.999


def test_without_signs_evidence_against_counts_like_evidence_for(photo, halves):
    assert np.array_equal(overlay(photo, halves, signed=False), overlay(photo, np.abs(halves), signed=False))


def test_the_spotlight_leaves_the_peak_alone_and_darkens_the_rest(photo):
    values = np.zeros((8, 10))
    values[2, 3] = 5
    values[6, 8] = -9  # inhibited is not fired
    lit = spotlight(photo, values).astype(int)
    assert np.abs(lit[20, 28] - photo[20, 28]).max() <= 0.2 * 255
    assert np.abs(lit[50:, 60:] - 0.25 * photo[50:, 60:]).max() <= 1
    assert np.abs(spotlight(photo, np.zeros((3, 3))) - 0.25 * photo).max() <= 1


def test_a_marked_place_keeps_its_pixels_inside_the_frame(photo):
    framed = mark(photo, 1, 2, (4, 4))
    assert np.array_equal(framed[16:32, 40:60], photo[16:32, 40:60])
    assert (framed[15, 40:60] == framed[15, 40]).all()
    changed = (framed != photo).any(axis=2)
    assert not changed[:11].any()
    assert not changed[:, 65:].any()


def test_a_grid_finer_than_the_pixels_can_be_marked(photo):
    assert mark(photo[:8, :8], 15, 15, (16, 16)).shape == (8, 8, 3)


def test_tiles_shrink_within_their_cells():
    black = np.zeros((5, 5, 3), dtype=np.uint8)
    sheet = tile([[black, black], [black, black]], side=10, sizes=np.array([[1.0, 0.5], [0.0, 1.0]]), gap=2)
    assert sheet.shape == (22, 22, 3)
    dark = (sheet == 0).all(axis=2)
    assert [dark[:10, :10].sum(), dark[:10, 12:].sum(), dark[12:, :10].sum()] == [100, 25, 1]


def test_a_bar_points_right_for_and_left_in_stripes_against():
    towards, away = bar(1.0, 96), bar(-1.0, 96)
    assert hex_of(towards[8, 60]) == palette.FOR
    assert (towards[8, :48] == 255).all()
    left = [hex_of(pixel) for pixel in away[8, 10:40]]
    assert set(left) == {palette.AGAINST, "#ffffff"}
    assert (away[8, 50:] == 255).all()


def test_rasters_are_laid_beside_and_below_each_other(photo):
    row = beside([photo, photo[:32]], gap=4)
    assert row.shape == (64, 164, 3)
    assert np.array_equal(row[16:48, 84:], photo[:32])
    column = stacked([photo, photo[:, :20]], gap=4)
    assert column.shape == (132, 80, 3)
    assert np.array_equal(column[68:, :20], photo[:, :20])


def test_resizing_keeps_flat_fields_flat():
    assert np.allclose(resize_field(np.full((3, 4), 2.5), 30, 50), 2.5)
    assert (resize(np.full((3, 4, 3), 77, dtype=np.uint8), 30, 50) == 77).all()
    sharp = resize(np.array([[[0] * 3, [255] * 3]], dtype=np.uint8), 2, 4, smooth=False)
    assert sharp[..., 0].tolist() == [[0, 0, 255, 255]] * 2


def test_the_text_for_those_who_do_not_see_is_escaped(photo):
    assert 'alt="&lt;script&gt; &quot;x&quot;"' in to_html(photo, '<script> "x"')

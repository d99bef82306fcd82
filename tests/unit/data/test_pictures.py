"""Pictures from outside: every kind of file becomes RGB in [0, 1], or a message that helps."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.core.errors import PictureError
from cutaway.data.pictures import check, from_array, picture_from, pictures_from, read_image

RED, GREEN = (255, 0, 0), (0, 255, 0)


@pytest.fixture
def halves() -> Image.Image:
    """16 wide, 12 high; the left half red, the right half green."""
    image = Image.new("RGB", (16, 12), RED)
    image.paste(GREEN, (8, 0, 16, 12))
    return image


def colour(picture: torch.Tensor, y: int, x: int) -> tuple[int, ...]:
    return tuple(int(value) for value in (picture[:, y, x] * 255).round())


def test_a_plain_file_keeps_its_pixels_and_size(tmp_path: Path, halves: Image.Image) -> None:
    halves.save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    assert picture.shape == (3, 12, 16)
    assert picture.dtype == torch.float32
    assert torch.equal((picture * 255).round().permute(1, 2, 0).to(torch.uint8), torch.from_numpy(np.array(halves)))


def test_a_palette_keeps_its_colours(tmp_path: Path, halves: Image.Image) -> None:
    halves.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    assert (colour(picture, 5, 2), colour(picture, 5, 12)) == (RED, GREEN)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (10, 10), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    red, green, blue = read_image(tmp_path / "a.jpg")[:, 5, 5]
    assert red > 0.9
    assert max(green, blue) < 0.1


def test_grey_has_three_equal_channels(tmp_path: Path) -> None:
    Image.linear_gradient("L").resize((20, 20)).save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    assert torch.equal(picture[0], picture[1])
    assert torch.equal(picture[0], picture[2])
    assert picture.std() > 0.2


def test_sixteen_bits_are_scaled_not_cut(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 400).reshape(20, 20).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    assert np.allclose(picture[1].numpy(), values / 65535, atol=1e-6)


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 5, 10))
    image.save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    assert (colour(picture, 5, 2), colour(picture, 5, 8)) == (RED, (255, 255, 255))


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_transparency_of_grey_and_palette(tmp_path: Path, mode: str) -> None:
    if mode == "LA":
        Image.new("LA", (10, 10), (0, 0)).save(tmp_path / "a.png")
    else:
        Image.new("P", (10, 10), 0).save(tmp_path / "a.png", transparency=0)
    assert read_image(tmp_path / "a.png").min() == 1


def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path, halves: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90 degrees clockwise
    halves.save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    picture = read_image(tmp_path / "a.jpg")
    assert picture.shape == (3, 16, 12)
    assert picture[0, 2, 6] > 0.9  # what was left is now on top
    assert picture[1, 13, 6] > 0.9


def test_of_an_animation_the_first_frame(tmp_path: Path, halves: Image.Image) -> None:
    halves.save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (16, 12), "blue")])
    assert colour(read_image(tmp_path / "a.gif"), 5, 2) == RED


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"a\.jpg: no such file; expected a picture file .* check the path"):
        read_image(tmp_path / "a.jpg")
    with pytest.raises(PictureError, match="a folder; expected a picture file"):
        read_image(tmp_path)


def test_a_text_file_named_jpg(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("not a picture")
    with pytest.raises(PictureError, match=r"a\.jpg is no picture that can be read; expected JPEG, PNG"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_a_truncated_file(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PictureError, match=r"is damaged \(.*\); expected a whole picture file; try another copy"):
        read_image(tmp_path / name)


def huge_png(path: Path, side: int) -> None:
    """A PNG of a few bytes that claims side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


@pytest.mark.parametrize("side", [12_000, 30_000])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    huge_png(tmp_path / "a.png", side)
    with pytest.raises(PictureError, match="pixels; expected at most 120,000,000"):
        read_image(tmp_path / "a.png")


def test_a_single_pixel_is_too_small(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
    with pytest.raises(PictureError, match="has 1 x 1 pixels; expected at least 8 x 8; try a larger picture"):
        read_image(tmp_path / "a.png")


def test_arrays_and_tensors_of_every_kind_are_the_same_picture(halves: Image.Image) -> None:
    expected = picture_from(halves)
    array = np.array(halves)
    sources = [array, array / 255, array.transpose(2, 0, 1) / 255.0, expected, (expected * 255).to(torch.uint8)]
    for source in sources:
        assert torch.allclose(picture_from(source), expected, atol=1e-6)


def test_a_list_holds_pictures_of_several_sizes(halves: Image.Image) -> None:
    found = pictures_from([halves, halves.resize((20, 30)), torch.zeros(2, 3, 9, 9)])
    assert [tuple(picture.shape[1:]) for picture in found] == [(12, 16), (30, 20), (9, 9), (9, 9)]


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (torch.zeros(3, 4), "expected .channels, height, width. or a batch"),
        (torch.zeros(2, 10, 10), "with 1 or 3 channels"),
        (torch.zeros(3, 10, 10, dtype=torch.int32), r"expected floats in \[0, 1\]; try picture.float\(\) / 255"),
        (torch.full((3, 10, 10), 2.0), r"holds values from 2 to 2; expected \[0, 1\]; leave normalisation"),
        (torch.full((3, 10, 10), float("nan")), "holds values from nan to nan"),
    ],
)
def test_tensors_that_are_no_pictures(picture: torch.Tensor, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        check(picture)


def test_an_array_without_colours_is_no_picture() -> None:
    with pytest.raises(PictureError, match="has no axis of 1, 3 or 4 channels"):
        from_array(np.zeros((9, 9, 9)))

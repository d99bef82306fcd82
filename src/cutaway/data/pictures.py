"""Reading a picture from outside: whatever its file says, it becomes RGB in [0, 1], or a clear error."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from cutaway.core.errors import PictureError
from cutaway.core.types import Picture

MAX_PIXELS = 120_000_000
MIN_SIDE = 8

Source: TypeAlias = "str | PathLike[str] | Image.Image | np.ndarray | Tensor"
"""What a picture can be made from."""


def read_image(path: str | PathLike[str], max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in a file: RGB, turned as its EXIF says, in [0, 1], at its own size.

    Grey, palette, CMYK and 16-bit files are converted; transparency is laid over white; of an animation, the first
    frame is taken. The header is checked before anything is decoded, so that a bomb costs nothing.
    """
    where = Path(path)
    if not where.is_file():
        found = "a folder" if where.is_dir() else "no such file"
        raise PictureError(f"{where}: {found}; expected a picture file (JPEG, PNG, WebP, ...); check the path")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own remarks on odd metadata; what matters is raised below
        try:
            with Image.open(where) as image:
                _check_size(image.size, str(where), max_pixels)
                return from_pil(image)
        except Image.DecompressionBombError:
            raise PictureError(
                f"{where} claims more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels; "
                f"expected at most {max_pixels:,}; try a smaller copy"
            ) from None
        except UnidentifiedImageError:
            raise PictureError(
                f"{where} is no picture that can be read; expected JPEG, PNG, WebP, TIFF, GIF or BMP; "
                "check what the file holds"
            ) from None
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            if isinstance(error, PictureError):
                raise
            raise PictureError(
                f"{where} is damaged ({error}); expected a whole picture file; try another copy"
            ) from None


def from_pil(image: Image.Image) -> Picture:
    """A Pillow image of any mode as a picture."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith(("I", "F")):
        return _from_deep(np.asarray(turned, dtype=np.float64), turned.mode)
    if turned.has_transparency_data:
        layered = turned.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        turned = Image.alpha_composite(white, layered)
    rgb = np.array(turned.convert("RGB"))
    return torch.from_numpy(rgb).permute(2, 0, 1).contiguous().float().div_(255)


def _from_deep(values: np.ndarray, mode: str) -> Picture:
    """Grey pictures of more than 8 bits: 16-bit integers, or floats that must lie in [0, 1] already."""
    scaled = values / 65535 if mode.startswith("I") else values
    return from_array(np.repeat(scaled[..., None], 3, axis=2).astype(np.float32))


def from_array(values: np.ndarray) -> Picture:
    """An array (height, width), (height, width, 1 | 3 | 4) or (1 | 3, height, width), uint8 or floats in [0, 1]."""
    array = np.asarray(values)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise PictureError(f"an array of shape {values.shape} is no picture; expected (height, width[, channels])")
    if array.shape[2] not in (1, 3, 4) and array.shape[0] in (1, 3):
        array = array.transpose(1, 2, 0)
    if array.shape[2] not in (1, 3, 4):
        raise PictureError(f"an array of shape {values.shape} has no axis of 1, 3 or 4 channels; expected one")
    if array.dtype == np.uint8 and array.shape[2] in (3, 4):
        return from_pil(Image.fromarray(np.ascontiguousarray(array)))
    scale = 255 if array.dtype == np.uint8 else 65535 if array.dtype == np.uint16 else 1
    return check(torch.from_numpy(np.ascontiguousarray(array[..., :3].transpose(2, 0, 1))).float() / scale)


def check(picture: Tensor, name: str = "picture") -> Tensor:
    """The same tensor if it is a picture or a batch of them in [0, 1]; else a PictureError that says why not."""
    if picture.ndim not in (3, 4) or picture.shape[-3] not in (1, 3):
        raise PictureError(
            f"{name} has shape {tuple(picture.shape)}; expected (channels, height, width) or a batch of such, "
            "with 1 or 3 channels"
        )
    if not picture.is_floating_point():
        raise PictureError(f"{name} holds {picture.dtype}; expected floats in [0, 1]; try picture.float() / 255")
    if picture.numel():
        low, high = float(picture.min()), float(picture.max())
        if not (low >= -1e-6 and high <= 1 + 1e-6):
            raise PictureError(
                f"{name} holds values from {low:.4g} to {high:.4g}; expected [0, 1]; "
                "leave normalisation to the Model's preprocessing"
            )
    return picture


def picture_from(source: Source) -> Tensor:
    """A picture (or a batch, where the source is one) from a path, a Pillow image, an array or a tensor."""
    match source:
        case Tensor():
            picture = check(source.float() / 255 if source.dtype == torch.uint8 else source)
        case Image.Image():
            _check_size(source.size, "the picture", MAX_PIXELS)
            picture = from_pil(source)
        case np.ndarray() if source.ndim == 4:
            picture = torch.stack([from_array(each) for each in source])
        case np.ndarray():
            picture = from_array(source)
        case str() | PathLike():
            return read_image(source)
        case _:
            raise PictureError(
                f"a {type(source).__name__} is no picture; expected a path, a Pillow image, an array, a tensor, "
                "or a list of them"
            )
    _check_size((picture.shape[-1], picture.shape[-2]), "the picture", MAX_PIXELS)
    return picture


def pictures_from(source: Source | Sequence[Source]) -> list[Tensor]:
    """The pictures in a source, each at its own size."""
    if isinstance(source, (list, tuple)):
        return [picture for each in source for picture in pictures_from(each)]
    picture = picture_from(source)  # type: ignore[arg-type]  # a Sequence that is no list is refused in there
    return list(picture) if picture.ndim == 4 else [picture]


def _check_size(size: tuple[int, int], name: str, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            f"{name} has {width:,} x {height:,} pixels; expected at most {max_pixels:,} in all; try a smaller copy"
        )
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            f"{name} has {width} x {height} pixels; expected at least {MIN_SIDE} x {MIN_SIDE}; try a larger picture"
        )

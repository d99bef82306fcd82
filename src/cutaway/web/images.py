"""Pictures that come in and go out: decoded under a limit of pixels, encoded small."""

from __future__ import annotations

import io
import struct
import warnings

import numpy as np
from PIL import Image

from cutaway.core.errors import PictureError
from cutaway.report.drawing import Raster, resize, to_raster

MOST_PIXELS = 24_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def decoded(content: bytes) -> Image.Image:
    """A picture that someone sent; a PictureError where it is none, too large, or in a rare format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata; what matters is raised below
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            width, height = image.size
            if width * height > MOST_PIXELS or min(width, height) < 8:
                raise PictureError(
                    f"a picture of {width} x {height} pixels; expected at least 8 x 8 and at most "
                    f"{MOST_PIXELS:,} pixels in all; try a smaller copy"
                )
            image.load()
            return image
        except PictureError:
            raise
        except (
            OSError,
            SyntaxError,
            ValueError,
            EOFError,
            KeyError,
            struct.error,
            Image.DecompressionBombError,
        ) as error:
            kind = type(error).__name__
            raise PictureError(f"this is no picture that can be read ({kind}); expected JPEG, PNG or WebP") from None


def thumbnail(picture: np.ndarray, side: int) -> bytes:
    """A picture (channels, height, width) in [0, 1] as WebP, its long side at most so many pixels."""
    raster = to_raster(picture)
    height, width = raster.shape[:2]
    factor = min(1.0, side / max(height, width))
    if factor < 1:
        raster = resize(raster, max(1, round(height * factor)), max(1, round(width * factor)))
    return webp(raster)


def webp(raster: Raster, quality: int = 82) -> bytes:
    buffer = io.BytesIO()
    small = max(raster.shape[:2]) <= 72
    Image.fromarray(raster).save(buffer, format="WEBP", quality=quality, lossless=small, method=1)
    return buffer.getvalue()


def crop(picture: np.ndarray, box: tuple[int, int, int, int] | None) -> np.ndarray:
    """The part of a picture inside (top, left, bottom, right), the whole of it for None."""
    if box is None:
        return picture
    top, left, bottom, right = box
    part: np.ndarray = picture[:, max(0, top) : max(top + 1, bottom), max(0, left) : max(left + 1, right)]
    return part

"""Draws the pictures of docs/featurevis.md: `python docs/images/featurevis/draw.py [NAME ...]` (needs ../shared)."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from cutaway import featurevis as fv
from cutaway.nets import load
from cutaway.report.drawing import tile, to_raster

HERE = Path(__file__).parent
SHARED = HERE.parents[3] / "shared"
PHOTO = SHARED / "data" / "photos" / "n02107142_Doberman.jpg"
DOBERMAN, GOLDFISH, DAISY, SCHOOL_BUS = 236, 1, 985, 779
CHOSEN = [f"features.12:{channel}" for channel in range(5, 512, 43)][:8]

model = load(f"squeezenet1_1@{SHARED / 'models' / 'squeezenet1_1_imagenet.safetensors'}")


def sheet() -> list[Tensor]:
    found = fv.visualize(model, fv.units([f"features.12:{channel}" for channel in range(0, 512, 8)])).pictures
    return list(found.split(16))


def parameterizations() -> list[Tensor]:
    names = ("fourier", "laplacian", "pixel", "cppn", "maco")
    return [fv.visualize(model, fv.units(CHOSEN), parameterization=name).pictures for name in names]


def presets() -> list[Tensor]:
    wanted = fv.batch([*CHOSEN[:3], *map(fv.class_score, (GOLDFISH, DAISY, SCHOOL_BUS))])
    return [fv.visualize(model, wanted, preset=name).pictures for name in fv.PRESETS]


def diversity() -> list[Tensor]:
    wanted = fv.copies("features.12:5", 4) - 200 * fv.diversity("features.9")
    return [fv.visualize(model, wanted, steps=96).pictures]


def dreams() -> list[Tensor]:
    size = 192
    caricature = fv.activation_match("features.9", PHOTO)
    inversion = fv.activation_match("features.4", PHOTO, "inversion")
    shown = [
        fv.dream(model, PHOTO, "features.9", size=size),
        fv.visualize(model, caricature, size=size, steps=96),
        fv.visualize(model, inversion, size=size, steps=96, transforms="jitter"),
        fv.accentuate(model, PHOTO, fv.class_score(DOBERMAN), size=size),
    ]
    return [torch.cat([each.pictures for each in shown])]


def save(name: str, rows: list[Tensor]) -> None:
    """As a JPEG, row by row."""
    rasters = [[to_raster(picture.numpy()) for picture in row] for row in rows]
    drawn = Image.fromarray(tile(rasters, rows[0].shape[-1], gap=4))
    buffer = io.BytesIO()
    drawn.save(buffer, "JPEG", quality=86, optimize=True)
    (HERE / f"{name}.jpg").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    drawings = (sheet, parameterizations, presets, diversity, dreams)
    for drawing in drawings:
        if not sys.argv[1:] or drawing.__name__ in sys.argv[1:]:
            save(drawing.__name__, drawing())

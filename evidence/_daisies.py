"""The real pictures: which flower each shows, in which split it is, and the masks that came along."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from _evidence import SHARED
from PIL import Image

SIDE = 128  # pixels a side at which rules look
DAISY = "daisy"
MASKED, PHOTOS = SHARED / "data" / "flowers_masked", SHARED / "data" / "flower_photos"
FOLDS = (0, 1, 2, 3)
"""Which quarter of the photographs is held out, with all daisies that have a mask."""


@dataclass(frozen=True)
class Flower:
    """One photograph: its file, the flower that its folder names, its split, and its mask where somebody drew one.

    number: 0 to 99, the same for near copies; quarter: the fold in which it is held out.
    """

    path: Path
    label: str
    split: str
    drawn: Path | None
    number: int

    @property
    def daisy(self) -> bool:
        return self.label == DAISY

    @property
    def quarter(self) -> int:
        return (3 - self.number // 25) % 4


def flowers(fold: int = 0, every: int = 1) -> list[Flower]:
    """Photographs of both sets; near copies (one coarse likeness) stay in one split.

    All daisies with drawn masks are held out: no label that a network learns from was drawn by a person.
    """
    files = [(path, True) for path in sorted(MASKED.glob("*/images/*"))[::every]]
    files += [(path, False) for path in sorted(PHOTOS.glob("*/*"))[::every]]
    labels = [path.parent.parent.name if masked else path.parent.name for path, masked in files]
    groups = [likeness(path) for path, _ in files]
    held = {group for group, (_, masked), label in zip(groups, files, labels, strict=True) if masked and label == DAISY}
    found = []
    for (path, masked), label, group in zip(files, labels, groups, strict=True):
        number = int(group, 16) % 100
        turned = (number + 25 * fold) % 100
        split = "test" if group in held or turned >= 75 else "train" if turned < 60 else "val"
        mask = path.parent.parent / "masks" / f"{path.stem}.png"
        found.append(Flower(path, label, split, mask if masked and mask.is_file() else None, number))
    return found


@cache
def likeness(path: Path) -> str:
    """A picture seen from afar: which of 8 x 8 greys are lighter than their mean, as a hash."""
    grey = np.asarray(Image.open(path).convert("L").resize((8, 8), Image.Resampling.BOX), dtype=float)
    return hashlib.sha256((grey > grey.mean()).tobytes()).hexdigest()


def pixels(flower: Flower, side: int = SIDE) -> np.ndarray:
    """The photograph as a square, whole: uint8 (side, side, 3)."""
    return of_file(flower.path, side)


@cache
def of_file(path: Path, side: int) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BOX))


def drawn(flower: Flower, side: int = SIDE) -> np.ndarray | None:
    """The drawn mask: 0 ignore, 1 flower, 2 leaf, 3 background, 4 sky."""
    if flower.drawn is None:
        return None
    with Image.open(flower.drawn) as image:
        return np.asarray(image.resize((side, side), Image.Resampling.NEAREST))

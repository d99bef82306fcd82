"""The real pictures: which flower each shows, the masks that came along, and a colour rule for disk and petals."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _evidence import SHARED
from PIL import Image
from scipy import ndimage

SIDE = 128  # pixels a side at which rules look
DAISY = "daisy"
MASKED, PHOTOS = SHARED / "data" / "flowers_masked", SHARED / "data" / "flower_photos"


FOLD = int(os.environ.get("FOLD", "0"))
"""Which quarter of the photographs is held out (with all daisies that have a mask): 0, as everywhere, to 3."""


@dataclass(frozen=True)
class Flower:
    """One photograph: its file, the flower that its folder names, its split, and its mask where somebody drew one."""

    path: Path
    label: str
    split: str
    drawn: Path | None

    @property
    def daisy(self) -> bool:
        return self.label == DAISY


def flowers(every: int = 1) -> list[Flower]:
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
        number = (int(group, 16) + 25 * FOLD) % 100
        split = "test" if group in held or number >= 75 else "train" if number < 60 else "val"
        mask = path.parent.parent / "masks" / f"{path.stem}.png"
        found.append(Flower(path, label, split, mask if masked and mask.is_file() else None))
    return found


def likeness(path: Path) -> str:
    """A picture seen from afar: which of 8 x 8 greys are lighter than their mean, as a hash."""
    grey = np.asarray(Image.open(path).convert("L").resize((8, 8), Image.Resampling.BOX), dtype=float)
    return hashlib.sha256((grey > grey.mean()).tobytes()).hexdigest()


def pixels(flower: Flower, side: int = SIDE) -> np.ndarray:
    """The photograph as a square, whole: uint8 (side, side, 3)."""
    with Image.open(flower.path) as image:
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BOX))


def drawn(flower: Flower, side: int = SIDE) -> np.ndarray | None:
    """The drawn mask: 0 ignore, 1 flower, 2 leaf, 3 background, 4 sky."""
    if flower.drawn is None:
        return None
    with Image.open(flower.drawn) as image:
        return np.asarray(image.resize((side, side), Image.Resampling.NEAREST))


def parts(picture: np.ndarray, flower: np.ndarray | None = None) -> Mapping[str, np.ndarray]:
    """The colour rule: a disk is a yellow or orange patch, full and not long, with a bright or pale ring about it.

    Petals are what is bright, or of a petal's colour, and joined to such a ring. `flower`: the drawn mask of the
    flower, inside which the rule looks where there is one.
    """
    hue, saturation, value = hsv(picture)
    yellow = (hue > 0.06) & (hue < 0.185) & (saturation > 0.45) & (value > 0.40)
    pale = (saturation < 0.30) & (value > 0.55)
    pink = ((hue > 0.68) & (saturation > 0.12) & (value > 0.45)) & ~yellow
    petal = pale | pink
    inside = np.ones_like(yellow) if flower is None else flower
    yellow, petal = yellow & inside, petal & inside
    disk = np.zeros_like(yellow)
    lumps, count = ndimage.label(ndimage.binary_closing(yellow, iterations=2))
    for index in range(1, count + 1):
        lump = ndimage.binary_fill_holes(lumps == index)
        if is_disk(lump, petal, least=0.25 if flower is not None else 0.45):
            disk |= lump
    if not disk.any():
        return {"disk": disk, "petals": np.zeros_like(disk)}
    reach = max(3, int(1.6 * np.sqrt(disk.sum() / max(ndimage.label(disk)[1], 1))))
    near = ndimage.distance_transform_edt(~disk) <= reach
    joined, _ = ndimage.label((petal & near) | disk)
    kept = np.isin(joined, np.unique(joined[disk]))
    return {"disk": disk, "petals": kept & petal & ~disk}


def green(picture: np.ndarray) -> np.ndarray:
    """Leaves and stems by their colour; nothing where there is hardly any."""
    hue, saturation, value = hsv(picture)
    found = ndimage.binary_opening((hue > 0.19) & (hue < 0.45) & (saturation > 0.25) & (value > 0.12), iterations=1)
    return found if found.mean() > 0.03 else np.zeros_like(found)


def others(picture: np.ndarray) -> np.ndarray:
    """Petals of a flower that is no daisy: what has a strong colour that leaves lack; nothing where that is little."""
    hue, saturation, value = hsv(picture)
    found = ndimage.binary_opening(((hue < 0.19) | (hue > 0.7)) & (saturation > 0.35) & (value > 0.35))
    return found if found.mean() > 0.03 else np.zeros_like(found)


def is_disk(lump: np.ndarray, petal: np.ndarray, least: float) -> bool:
    """Whether a yellow patch is large, full and ringed enough to be a daisy's disk."""
    area = int(lump.sum())
    if not 0.0012 * lump.size <= area <= 0.30 * lump.size:
        return False
    rows, columns = np.nonzero(lump)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    full = area / (height * width)
    ring = ndimage.binary_dilation(lump, iterations=max(2, int(0.25 * np.sqrt(area)))) & ~lump
    return bool(full > 0.5 and max(height, width) < 2.6 * min(height, width) and petal[ring].mean() >= least)


def hsv(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue, saturation and value in [0, 1]."""
    from matplotlib.colors import rgb_to_hsv

    found = rgb_to_hsv(picture / 255.0)
    return found[..., 0], found[..., 1], found[..., 2]

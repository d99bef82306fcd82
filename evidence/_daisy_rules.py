"""Rules of colour and form that label photographs of flowers: disk and petals, green, petals of other flowers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class Colours:
    """What passes for a disk's yellow (hue between, saturation and value above) and for petals about it.

    pale: saturation below and value above; violet: hue above, saturation above; ring: the share of petal about a disk.
    """

    yellow: tuple[float, float, float, float]
    pale: tuple[float, float]
    violet: tuple[float, float]
    blue: bool
    ring: float
    least: float  # a disk's share of the picture
    closed: int  # gaps of so many pixels in a disk are closed


STRICT = Colours((0.06, 0.185, 0.45, 0.40), (0.30, 0.55), (0.68, 0.12), False, 0.45, 0.0012, 2)
LOOSE = Colours((0.03, 0.20, 0.35, 0.25), (0.35, 0.45), (0.66, 0.10), True, 0.50, 0.0008, 1)
"""The second is for photographs that are known to show a daisy: in the shade, faded, in evening light, blue."""
PALE = (0.55, 0.75, 0.42)
"""How bright rays without a disk are, the first of which fits: in light, before a bright sky, in the shade."""


def parts(picture: np.ndarray, flower: np.ndarray | None = None, colours: Colours = STRICT) -> Mapping[str, np.ndarray]:
    """A disk is a yellow or orange patch, full and not long, with a bright or pale ring about it.

    Petals are what is bright, or of a petal's colour, and joined to such a ring. `flower`: the drawn mask of the
    flower, inside which the rule looks where there is one.
    """
    hue, saturation, value = hsv(picture)
    low, high, saturated, lit = colours.yellow
    yellow = (hue > low) & (hue < high) & (saturation > saturated) & (value > lit)
    petal = (saturation < colours.pale[0]) & (value > colours.pale[1])
    petal |= (hue > colours.violet[0]) & (saturation > colours.violet[1]) & (value > 0.45)
    if colours.blue:
        petal |= (hue > 0.54) & (hue < 0.69) & (saturation < 0.6) & (value > 0.5)
    petal &= ~yellow
    if flower is not None:
        yellow, petal = yellow & flower, petal & flower
    disk = np.zeros_like(yellow)
    for lump in lumps(ndimage.binary_closing(yellow, iterations=colours.closed), colours.least):
        whole = ndimage.binary_fill_holes(lump)
        if is_disk(whole, petal, colours.least, 0.25 if flower is not None else colours.ring):
            disk |= whole
    if not disk.any():
        return {"disk": disk, "petals": np.zeros_like(disk)}
    reach = max(3, int(1.6 * np.sqrt(disk.sum() / max(ndimage.label(disk)[1], 1))))
    near = ndimage.distance_transform_edt(~disk) <= reach
    joined, _ = ndimage.label((petal & near) | disk)
    kept = np.isin(joined, np.unique(joined[disk]))
    return {"disk": disk, "petals": kept & petal & ~disk}


def rays(picture: np.ndarray) -> np.ndarray:
    """The rays of a daisy whose disk does not show: pale, violet or blue pieces that the border hardly cuts."""
    hue, saturation, value = hsv(picture)
    violet = (hue > 0.68) & (hue < 0.97) & (saturation > 0.12) & (value > 0.40)
    blue = (hue > 0.54) & (hue < 0.69) & (saturation > 0.15) & (value > 0.55)
    edge = np.ones_like(violet)
    edge[2:-2, 2:-2] = False
    for bright in PALE:
        found = np.zeros_like(violet)
        bloom = ((saturation < 0.30) & (value > bright)) | violet | blue
        for lump in lumps(ndimage.binary_opening(bloom), 0.0008):
            cut, area = int((lump & edge).sum()), int(lump.sum())
            if 0.0008 * lump.size <= area <= 0.45 * lump.size and cut <= min(0.12 * edge.sum(), 1.2 * area**0.5):
                found |= lump
        if 0.004 < found.mean() < 0.45:
            return found
    return np.zeros_like(violet)


def lumps(mask: np.ndarray, least: float) -> Iterator[np.ndarray]:
    """The pieces of a mask whose box is large enough, each as a mask of its own."""
    labels, _ = ndimage.label(mask)
    for index, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        if (rows.stop - rows.start) * (columns.stop - columns.start) >= least * mask.size:
            yield labels == index


def is_disk(lump: np.ndarray, petal: np.ndarray, least: float, ringed: float) -> bool:
    """Whether a yellow patch is large, full and ringed enough to be a daisy's disk."""
    area = int(lump.sum())
    if not least * lump.size <= area <= 0.30 * lump.size:
        return False
    rows, columns = np.nonzero(lump)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    full = area / (height * width)
    ring = ndimage.binary_dilation(lump, iterations=max(2, int(0.25 * np.sqrt(area)))) & ~lump
    return bool(full > 0.5 and max(height, width) < 2.6 * min(height, width) and petal[ring].mean() >= ringed)


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


def hsv(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue, saturation and value in [0, 1]."""
    from matplotlib.colors import rgb_to_hsv

    found = rgb_to_hsv(picture / 255.0)
    return found[..., 0], found[..., 1], found[..., 2]

"""Localization: does a map lie where the evidence for the class is known to be?"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int
from torch import Tensor

from cutaway.attribution import Forward
from cutaway.core.errors import OptionError, PictureError
from cutaway.core.types import Pictures
from cutaway.metrics.maps import Maps, Method, maps, numbers, shares
from cutaway.metrics.measured import Measured, mean_of
from cutaway.metrics.mosaics import Mosaics, focus_mosaics, grid_mosaics, resized
from cutaway.nets.targets import Target


def focus(
    model: Forward,
    method: Method,
    pictures: Pictures,
    labels: Int[Tensor, " batch"],
    *,
    n: int = 100,
    cell: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """How much of what argues for a class lies on its own two cells of 2 x 2 mosaics; blind maps reach 0.5.

    The other two cells show other classes. cell: pixels a side (None = as the pictures are, so that mosaics have twice
    their size). labels: the network's classes. Mosaics on which nothing argues for the class are left out of n.
    Arias-Duart et al. 2022, "Focus! Rating XAI Methods and Finding Biases".
    """
    mosaics = focus_mosaics(labels, n, seed)
    return _in_right_cells(model, method, resized(pictures, cell), mosaics, seed, batch_size, options)


def grid_pointing(
    model: Forward,
    method: Method,
    pictures: Pictures,
    labels: Int[Tensor, " batch"],
    *,
    n: int = 100,
    side: int = 3,
    cell: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """How much of what argues for a class lies on its one cell among side x side; blind maps reach 1 / side².

    All cells show different classes, one of which is asked about. cell, labels: as for `focus`.
    Böhle et al. 2021, "Convolutional Dynamic Alignment Networks for Interpretable Classifications".
    """
    mosaics = grid_mosaics(labels, n, side, seed)
    return _in_right_cells(model, method, resized(pictures, cell), mosaics, seed, batch_size, options)


def energy_in_mask(
    model: Forward,
    method: Method,
    pictures: Pictures,
    masks: Bool[Tensor, "batch height width"],
    target: Target = None,
    *,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """How much of what argues for the class lies in each picture's mask; a blind map reaches the mask's area.

    Pictures with an empty mask, or for which nothing argues, are left out of n.
    Wang et al. 2020, "Score-CAM" (the energy-based pointing game).
    """
    _check(masks, pictures)
    field, _ = maps(model, method, pictures, target, batch_size, **options)
    inside = shares(field, masks.to(field))
    return mean_of(numbers(torch.where(masks.flatten(1).any(dim=1).to(inside.device), inside, torch.nan)), seed)


def pointing_game(
    model: Forward,
    method: Method,
    pictures: Pictures,
    masks: Bool[Tensor, "batch height width"],
    target: Target = None,
    *,
    tolerance: int = 0,
    seed: int = 0,
    batch_size: int | None = None,
    **options: Any,
) -> Measured:
    """The share of pictures whose highest value lies in the mask, or at most `tolerance` pixels from it.

    Pictures with an empty mask or a constant map are left out of n.
    Zhang et al. 2016, "Top-down Neural Attention by Excitation Backprop".
    """
    _check(masks, pictures)
    if tolerance < 0:
        raise OptionError(f"a tolerance of {tolerance} pixels; expected 0 or more")
    field, _ = maps(model, method, pictures, target, batch_size, **options)
    near = F.max_pool2d(masks[:, None].float(), 2 * tolerance + 1, 1, tolerance)[:, 0] > 0
    flat = field.flatten(1)
    hit = near.to(flat.device).flatten(1).gather(1, flat.argmax(dim=1, keepdim=True))[:, 0].double()
    counts = masks.flatten(1).any(dim=1).to(hit.device) & (flat.amax(dim=1) > flat.amin(dim=1))
    return mean_of(numbers(torch.where(counts, hit, torch.nan)), seed)


def _in_right_cells(
    model: Forward,
    method: Method,
    pictures: Pictures,
    mosaics: Mosaics,
    seed: int,
    batch_size: int | None,
    options: dict[str, Any],
) -> Measured:
    found = [
        shares(maps(model, method, laid, target.to(laid.device), batch_size, **options)[0], right)
        for laid, target, right in mosaics.laid(pictures, batch_size)
    ]
    return mean_of(numbers(torch.cat(found)), seed)


def _check(masks: Maps | Tensor, pictures: Pictures) -> None:
    expected = (len(pictures), *pictures.shape[-2:])
    if tuple(masks.shape) != expected:
        raise PictureError(
            f"masks have shape {tuple(masks.shape)}; expected one mask of the picture's size for each, {expected}"
        )

"""Regularizers: what a picture is charged for, or what is done to it between steps, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures
from cutaway.featurevis.edits import Edit, blur, clip_contribution, clip_norm, decay

Charges = Float[Tensor, " batch"]

Charge = Callable[[Tensor], Tensor]
"""Pictures -> one charge each, of order 1 for a picture that has far too much of it.

A charge is paid in shares of the score, so that one weight suits units and networks of any scale: at a charge of 0.1
a picture has to gain 10 % of its score to be worth it.
"""

Regularizer = Charge | Edit


def variation(pictures: Pictures) -> Charges:
    """Ten times the mean difference of neighbouring pixels: noise and hard edges."""
    down = pictures.diff(dim=2).abs().mean(dim=(1, 2, 3))
    right = pictures.diff(dim=3).abs().mean(dim=(1, 2, 3))
    return 5 * (down + right)


def contrast(pictures: Pictures) -> Charges:
    """Four times the mean square distance from middle grey: 1 where every pixel is black or white."""
    return 4 * (pictures - 0.5).square().mean(dim=(1, 2, 3))


REGULARIZERS: Mapping[str, Regularizer] = {
    "variation": variation,
    "contrast": contrast,
    "decay": Edit(decay, usual=0.02, most=1.0),
    "blur": Edit(blur, usual=0.5, most=16.0, every=4),
    "clip_norm": Edit(clip_norm, usual=0.2, most=1.0),
    "clip_contribution": Edit(clip_contribution, usual=0.2, most=1.0),
}
"""Name -> regularizer; a function of pictures that charges them, or an Edit, works wherever a name does.

decay: share of the way to grey in every step. blur: pixels of standard deviation, every fourth step. clip_norm,
clip_contribution: share of pixels that become grey in every step.
"""

"""Regularizers: what a picture is charged for, so that it is chosen for more than its score alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures

Penalty = Float[Tensor, " batch"]

Regularizer = Callable[[Tensor], Tensor]
"""Pictures -> one charge each, of order 1 for a picture that has far too much of it.

A charge is paid in shares of the score, so that one weight suits units and networks of any scale: at a charge of 0.1
a picture has to gain 10 % of its score to be worth it.
"""


def variation(pictures: Pictures) -> Penalty:
    """Ten times the mean difference of neighbouring pixels: noise and hard edges."""
    down = pictures.diff(dim=2).abs().mean(dim=(1, 2, 3))
    right = pictures.diff(dim=3).abs().mean(dim=(1, 2, 3))
    return 5 * (down + right)


def contrast(pictures: Pictures) -> Penalty:
    """Four times the mean square distance from middle grey: 1 where every pixel is black or white."""
    return 4 * (pictures - 0.5).square().mean(dim=(1, 2, 3))


REGULARIZERS: Mapping[str, Regularizer] = {"variation": variation, "contrast": contrast}
"""Name -> regularizer; a function of the same signature works wherever a name does."""

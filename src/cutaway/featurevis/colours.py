"""Colours: a basis in which the colours of natural pictures do not depend on each other."""

from __future__ import annotations

import functools

import torch
from jaxtyping import Float
from torch import Tensor

COVARIANCE = (
    (0.06102492, 0.05482238, 0.05069996),
    (0.05482238, 0.05928501, 0.05780384),
    (0.05069996, 0.05780384, 0.06842820),
)
"""Covariance of red, green and blue in [0, 1] over all 51.2 million pixels of the CIFAR-10 training pictures.

Measured for this project; a test measures it again.
"""


@functools.cache
def natural_basis() -> Float[Tensor, "rgb colour"]:
    """Independent colours of unit variance -> RGB correlated as in nature, the strongest (light and dark) of length 1.

    The columns are the principal directions of the covariance, each as long as its standard deviation: brightness,
    then yellow against blue, then magenta against green. A step of one size along each is equally natural, so an
    optimiser in this basis does not drift into garish colours (Olah et al. 2017, "Feature Visualization").
    """
    variances, directions = torch.linalg.eigh(torch.tensor(COVARIANCE, dtype=torch.float64))
    directions = directions * directions[0].sign()  # eigenvectors have no sign of their own: more red is positive
    lengths = (variances / variances.max()).sqrt()
    basis: Tensor = (directions * lengths).flip(1).float()
    return basis


LEAST = 1e-3
"""Distance from black and from white at which a given picture's colours are held, whose logits would be infinite."""


def to_picture(canvas: Float[Tensor, "batch colour height width"]) -> Float[Tensor, "batch rgb height width"]:
    """A canvas of unbounded decorrelated colours, of which 0 is middle grey -> a picture in [0, 1]."""
    return torch.sigmoid(to_rgb(canvas))


def to_canvas(picture: Float[Tensor, "batch rgb height width"]) -> Float[Tensor, "batch colour height width"]:
    """A picture in [0, 1] -> the canvas of which it is the picture, to within 0.001 of black and white."""
    logits = torch.logit(picture.clamp(LEAST, 1 - LEAST))
    if picture.shape[1] != 3:
        return logits
    inverse = torch.linalg.inv(natural_basis().double()).to(logits)
    colours: Tensor = inverse @ logits.flatten(2)
    return colours.view_as(logits)


def to_rgb(colours: Float[Tensor, "batch colour height width"]) -> Float[Tensor, "batch rgb height width"]:
    """Unbounded decorrelated colours -> unbounded RGB; grey pictures pass unchanged."""
    if colours.shape[1] != 3:
        return colours
    rgb: Tensor = natural_basis().to(colours) @ colours.flatten(2)  # thrice as fast as an einsum here
    return rgb.view_as(colours)

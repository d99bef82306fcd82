"""Any network made homogeneous: it looks at a picture of contrast one, and what it says is worth the contrast."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

SMALLEST = 1e-6  # of a contrast, as the network sees pictures; an even grey field must not divide by zero


class Homogeneous(nn.Sequential):
    """Layers in a row, as f(x) = r g(x / r), with r the root mean square of the picture x about its mean colour.

    f is homogeneous of degree one, whatever g is: offsets, norms, gates and maxima are as free as in a black box. By
    Euler's theorem the plain gradient then adds up, f(x) = <grad f(x), x>, for every score and every picture; nothing
    has to be held. What g leaves over, g(u) - <grad g(u), u>, is shared out among the pixels as their energy is. Which
    class is the highest never depends on the contrast. The price: a picture without any has no score.

    x: (batch, channels, height, width), normalised, so that the mean colour is 0; g(x) is (batch, classes).
    """

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        contrast = contrast_of(pictures)
        seen = pictures / contrast
        for layer in self:
            seen = layer(seen)
        return seen * contrast.flatten(1)


def contrast_of(pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch 1 1 1"]:
    """The root mean square over all values of each picture."""
    return torch.sqrt(pictures.square().mean((1, 2, 3), keepdim=True) + SMALLEST**2)

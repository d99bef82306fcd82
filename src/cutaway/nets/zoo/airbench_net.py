"""The black box that others are measured against: the network of Jordan's airbench (2024), as our own code.

Maxima instead of means, batch normalisation, offsets: all that makes a network quick to train and hard to read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from cutaway.nets.zoo.smooth_convnet import convolution
from cutaway.whitebox import Scale

CALM = 1 / 9  # scores start small, as airbench's do


def airbench_net(classes: int = 10, widths: Sequence[int] = (64, 256, 256), whitening: int = 12) -> nn.Sequential:
    """`stem.whiten, stem.act, stage1, ..., pool, flatten, head, scale`; pictures of 32 pixels or more.

    The stem sees 2 x 2 patches through `whitening` principal directions with both signs (`smooth_convnet.whiten`).
    """
    whiten = nn.Conv2d(3, 2 * whitening, 2, bias=False).requires_grad_(False)
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(OrderedDict(whiten=whiten, act=nn.GELU())))
    wide = 2 * whitening
    for number, width in enumerate(widths, start=1):
        layers[f"stage{number}"] = _stage(wide, width)
        wide = width
    layers["pool"] = nn.AdaptiveMaxPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["head"] = nn.Linear(wide, classes, bias=False)
    layers["scale"] = Scale(CALM).requires_grad_(False)
    return nn.Sequential(layers)


def _stage(wide: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv1=convolution(wide, width),
            pool=nn.MaxPool2d(2),
            norm1=_norm(width),
            act1=nn.GELU(),
            conv2=convolution(width, width),
            norm2=_norm(width),
            act2=nn.GELU(),
        )
    )


def _norm(width: int) -> nn.BatchNorm2d:
    """Batch normalisation with an offset and no scale: the filters after it have scales enough."""
    norm = nn.BatchNorm2d(width)
    norm.weight.requires_grad_(False)
    return norm

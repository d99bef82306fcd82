"""Bags of local features: no unit sees more than a small patch, and a score is the mean of what the patches say.

After Brendel and Bethge 2019, "Approximating CNNs with Bag-of-local-Features models works surprisingly well".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from cutaway.whitebox import Contrast, DivisiveNorm2d, SoftGate


def bagnet(
    classes: int = 10, widths: Sequence[int] = (64, 128, 256), deep: int = 2, whitening: int = 16
) -> nn.Sequential:
    """`stem, layer1 ... layerN, evidence, pool, flatten, contrast`: `deep` layers of 3 x 3, the others of 1 x 1.

    The grid is halved once, behind layer1. With deep=2 a unit sees 3 + 2 + 1 + 4 = 10 pixels a side. `evidence` is each
    patch's share of each score.
    """
    whiten = nn.Conv2d(3, 2 * whitening, 3, padding=1, bias=False).requires_grad_(False)
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(OrderedDict(whiten=whiten, act=SoftGate())))
    wide = 2 * whitening
    for number, width in enumerate(widths, start=1):
        layers[f"layer{number}"] = _layer(wide, width, 3 if number <= deep else 1, halve=number == 1)
        wide = width
    layers["evidence"] = nn.Conv2d(wide, classes, 1, bias=False)
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "contrast": Contrast()}
    return nn.Sequential(layers)


def _layer(wide: int, width: int, side: int, halve: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=nn.Conv2d(wide, width, side, padding=side // 2, bias=False))
    if halve:
        layers["pool"] = nn.AvgPool2d(2)
    return nn.Sequential(layers | {"norm": DivisiveNorm2d(width), "act": SoftGate()})

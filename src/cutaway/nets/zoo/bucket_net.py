"""Shallow backbones side by side: each bucket of a class, one of its several cases, is read by a backbone of its own.

Or all buckets by one backbone, to compare with; and a score is the best of a class's buckets, or their mean.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from einops.layers.torch import Rearrange
from torch import nn

from cutaway.nets.zoo.gumbel_net import whitened_stem
from cutaway.whitebox import Contrast, DivisiveNorm2d, GroupMean, Scale, SoftMaxPool

TEMPERATURE = 0.3  # of the best bucket


def bucket_net(
    classes: int = 10,
    widths: Sequence[int] = (16, 24),
    backbones: int = 4,
    buckets: int = 4,
    best: bool = True,
    whitening: int = 16,
) -> nn.Sequential:
    """`stem, layer1 ... layerN, pool, evidence, by_class, class, scale, contrast`.

    widths: of one backbone; the layers of all lie side by side and share the stem alone. Backbone b reads the b-th
    share of every class's buckets. best: a class is its best bucket (a disjunction), else the mean of all.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=whitened_stem(whitening))
    wide, groups = 2 * whitening, 1
    for number, width in enumerate(widths, start=1):
        conv = nn.Conv2d(wide, backbones * width, 3, padding=1, bias=False, groups=groups)
        norm = DivisiveNorm2d(backbones * width)
        layers[f"layer{number}"] = nn.Sequential(OrderedDict(conv=conv, pool=nn.AvgPool2d(2), norm=norm, act=nn.ReLU()))
        wide, groups = backbones * width, backbones
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["evidence"] = nn.Conv2d(wide, classes * buckets, 1, bias=False, groups=backbones)
    layers["by_class"] = Rearrange(
        "batch (backbones classes each) 1 1 -> batch (classes backbones each)", backbones=backbones, classes=classes
    )
    layers["class"] = SoftMaxPool(classes, TEMPERATURE) if best else GroupMean(classes)
    return nn.Sequential(layers | {"scale": Scale(1.0), "contrast": Contrast()})

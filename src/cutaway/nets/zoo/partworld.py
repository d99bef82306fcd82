"""The shipped PartWorld network: the smooth convnet's stages behind a stem that halves the grid.

As in the smooth convnet, every nonlinearity is a GELU and every reduction a mean, and a mean over the last grid (8 x 8
for pictures of 64 pixels) feeds one linear layer. The last units see further than the picture is wide: which parts
there are is not enough to tell the classes as long as loose parts lie about; one has to see what belongs together.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from cutaway.nets.zoo.smooth_convnet import stage


def partworld_net(classes: int = 20, widths: Sequence[int] = (64, 128, 192), stem: int = 32) -> nn.Sequential:
    """`stem, stage1 ... stageN, pool, flatten, head`; pictures of any size that three halvings divide."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["stem"] = nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, stem, 4, stride=2, padding=1, bias=False), norm=nn.BatchNorm2d(stem), act=nn.GELU()
        )
    )
    wide = stem
    for number, width in enumerate(widths, start=1):
        layers[f"stage{number}"] = stage(wide, width, halve=number < len(widths))
        wide = width
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["head"] = nn.Linear(wide, classes)
    return nn.Sequential(layers)

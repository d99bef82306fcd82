"""Three layers, positive above the first: what a unit adds to a score is evidence for it, down to the first filters.

Only the first layer's filters have signs; they say what is bright beside what is dark. From there a unit can but gather
(`PositiveConv2d`) and choose (`SoftMaxPool`), so each is read as "several of these, any of those".
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from cutaway.whitebox import Contrast, DivisiveNorm2d, PositiveConv2d, Scale, SoftGate, SoftMaxPool


def positive_net(
    classes: int = 10,
    filters: int = 192,
    units: int = 256,
    each: int = 2,
    views: int = 8,
    temperature: float = 0.5,
    positivity: str = "softplus",
) -> nn.Sequential:
    """`edges, patterns, evidence, class, pool, flatten, scale, contrast`: any 32-pixel-like grid that 4 divides.

    filters: 5 x 5 filters of the first layer, over a stride of two. units: of the second layer, in pairs (`each`) of
    which one suffices. views: cases of a class in the third layer, of which one suffices at each place; scores are
    means over places. At each place a case stands against the mean of all cases, since no evidence here is against;
    before the division by their size, or what all share would drown what they differ in.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["edges"] = nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, filters, 5, stride=2, padding=2, bias=False), norm=DivisiveNorm2d(filters), act=SoftGate()
        )
    )
    layers["patterns"] = nn.Sequential(
        OrderedDict(
            conv=PositiveConv2d(filters, units, 3, stride=2, padding=1, positivity=positivity),
            norm=DivisiveNorm2d(units),
            any=SoftMaxPool(units // each, temperature),
        )
    )
    layers["evidence"] = nn.Sequential(
        OrderedDict(
            conv=PositiveConv2d(units // each, classes * views, 3, padding=1, positivity=positivity),
            contrast=Contrast(),
            norm=DivisiveNorm2d(classes * views),
        )
    )
    layers |= {"class": SoftMaxPool(classes, temperature), "pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
    return nn.Sequential(layers | {"scale": Scale(1.0), "contrast": Contrast()})

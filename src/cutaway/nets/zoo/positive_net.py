"""Three layers, positive above the first: a class is one of several cases, a case is patterns, a pattern is edges.

Only the first layer's filters have signs; they say what is bright beside what is dark. From there a unit can but gather
(`PositiveConv2d`) and choose (`SoftMaxPool`). Two things make that learn, and keep soft gates from being thrown about:

- What a unit gathers stands against what all units gather (`Contrast`). Sums of positive numbers hardly differ but for
  their common part; without it, positive weights say all that signed ones do ("least").
- A first filter answers with how much a patch is like it (`MatchConv2d`), not with how bright the patch is.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from cutaway.whitebox import (
    Contrast,
    DivisiveNorm2d,
    MatchConv2d,
    PositiveConv2d,
    Scale,
    SharedGate,
    SoftGate,
    SoftMaxPool,
)


def positive_net(
    classes: int = 10,
    filters: int = 256,
    units: int = 160,
    cases: int = 2,
    temperature: float = 1.0,
    positivity: str = "least",
    grid: int = 4,
    match: bool = True,
    shared: int = 1,
    own: float = 0.0,
) -> nn.Sequential:
    """`edges, patterns, pool, cases, flatten, class, scale, contrast`: pictures of 32 pixels, or any that 4 divides.

    filters: 6 x 6 filters of the first layer, over a stride of two. units: of the second, which see 10 x 10 pixels.
    cases: of a class, of which one suffices; each has a weight for every unit at every place of a grid x grid. match:
    whether first filters are divided by the size of the patch before them, or answer as any convolution does. shared:
    places a side that share a first filter's gate, but for the share that is a place's own: on noise such gates hardly
    move, and a unit above shows one thing.
    """
    first = MatchConv2d(3, filters, 6, stride=2, padding=2) if match else nn.Conv2d(3, filters, 6, 2, 2, bias=False)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["edges"] = nn.Sequential(OrderedDict(conv=first, norm=DivisiveNorm2d(filters), act=SharedGate(shared, own)))
    layers["patterns"] = nn.Sequential(
        OrderedDict(
            conv=gathering(filters, units, 3, 2, 1, positivity),
            contrast=Contrast(),
            norm=DivisiveNorm2d(units),
            act=SoftGate(),
        )
    )
    layers |= {"pool": nn.AdaptiveAvgPool2d(grid), "cases": gathering(units, classes * cases, grid, 1, 0, positivity)}
    layers |= {"flatten": nn.Flatten(), "class": SoftMaxPool(classes, temperature)}
    return nn.Sequential(layers | {"scale": Scale(1.0), "contrast": Contrast()})


def gathering(wide: int, out: int, side: int, stride: int, padding: int, positivity: str) -> PositiveConv2d:
    """A positive convolution that stands before a contrast: what its outputs share is nothing, so it starts at none."""
    layer = PositiveConv2d(wide, out, side, stride, padding, positivity=positivity)
    if positivity == "least":
        with torch.no_grad():
            layer.free().sub_(layer.free().mean(0, keepdim=True))
    return layer

"""The networks of the research log that the white-box recipes began with, in the shapes that it gives.

120 large filters, the largest answer of each in its neighbourhood, and few units above: a class is one of several of
them. What the log found on planes and cars can be asked of the same network again (docs/whitebox.md).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import nn

from cutaway.core.errors import choose
from cutaway.whitebox import GroupMean, GumbelConv2d, PositiveConv2d, Scale, SoftMaxPool

SIDE = 10  # of a filter, in pixels
PARTS = 5  # of a case, where parts may be anywhere
Kind = Literal["anywhere", "directions", "plain", "gumbel", "positive"]
KINDS = ("anywhere", "directions", "plain", "gumbel", "positive")


def two_layer_net(
    classes: int = 2,
    kind: str = "gumbel",
    filters: int = 120,
    units: int = 60,
    top_k: int = 1,
    scaled: bool = False,
    seed: int = 0,
) -> nn.Sequential:
    """`edges ..., parts ..., flatten, class, scale`; pictures of 32 pixels.

    kind="anywhere": no second layer; five filters in a row are a case, which is their mean. "directions": filters look
    at every other place, the largest of 3 x 3 answers counts, and each of `filters` units weighs 4 x 4 of these.
    "plain", "gumbel", "positive": filters look everywhere, nine neighbourhoods that don't overlap hand on their largest
    answers, and a unit reads all nine: of every filter, of `top_k` for each neighbourhood, or with no weight below 0;
    the last stands behind a normalisation of its own (scaled: which learns a scale). Then one of a class's units
    suffices. Raises OptionError for another kind, and where groups don't divide the units.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(edges=_first(choose(kind, KINDS, "kind"), filters))
    if kind == "anywhere":
        layers |= {"flatten": nn.Flatten(), "case": GroupMean(filters // PARTS)}
    else:
        layers |= {"parts": _second(kind, filters, units, top_k, scaled, seed), "flatten": nn.Flatten()}
    return nn.Sequential(layers | {"class": SoftMaxPool(classes), "scale": Scale(1.0)})


def _first(kind: str, filters: int) -> nn.Sequential:
    stride = 2 if kind in ("anywhere", "directions") else 1
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=nn.Conv2d(3, filters, SIDE, stride, bias=False))
    if kind == "anywhere":
        return nn.Sequential(layers | {"pool": nn.AdaptiveMaxPool2d(1), "norm": nn.BatchNorm2d(filters)})
    layers["pool"] = nn.MaxPool2d(3) if kind == "directions" else nn.MaxPool2d(5, stride=10, padding=2)
    return nn.Sequential(layers | {"norm": nn.BatchNorm2d(filters), "act": nn.GELU()})


def _second(kind: str, filters: int, units: int, top_k: int, scaled: bool, seed: int) -> nn.Module:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if kind == "directions":
        layers["conv"] = nn.Conv2d(filters, filters, 4, bias=False)
    elif kind == "gumbel":
        layers["conv"] = GumbelConv2d(filters, units, 3, top_k=top_k, hard=True, seed=seed)
    elif kind == "positive":
        layers["conv"] = PositiveConv2d(filters, units, 3, positivity="clamp")
    else:
        layers["conv"] = nn.Conv2d(filters, units, 3, bias=False)
    layers["pool"] = nn.AdaptiveMaxPool2d(1)
    if kind == "positive":
        layers["norm"] = nn.BatchNorm2d(units, affine=scaled)
    return nn.Sequential(layers)

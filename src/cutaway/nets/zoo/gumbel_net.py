"""A network whose kernels each look at few channels: Gumbel convolutions choose them while it trains.

In eval every place of every kernel reads `top_k` channels; `GumbelConv2d.to_conv2d` gives the same sparse filters.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from cutaway.whitebox import Contrast, DivisiveNorm2d, GumbelConv2d, Scale


def gumbel_net(
    classes: int = 10,
    widths: Sequence[int] = (96, 128),
    top_k: Sequence[int] = (1, 2),
    mixing: bool = False,
    scale: float | None = None,
    whitening: int = 16,
    seed: int = 0,
) -> nn.Sequential:
    """`stem, layer1 ... layerN, pool, flatten, head, scale, contrast`; the stem and each layer halve the grid.

    top_k: channels that a place of a kernel reads, layer by layer; 0 = a plain convolution, to compare with. mixing: a
    1 x 1 convolution over all channels behind each. scale: how sure scores are, fixed; None = learned, from 1.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=whitened_stem(whitening))
    wide = 2 * whitening
    for number, (width, k) in enumerate(zip(widths, top_k, strict=True), start=1):
        layers[f"layer{number}"] = _layer(wide, width, k, mixing, seed + number)
        wide = width
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
    sure = Scale(1.0) if scale is None else Scale(scale).requires_grad_(False)
    return nn.Sequential(layers | {"head": nn.Linear(wide, classes, bias=False), "scale": sure, "contrast": Contrast()})


def whitened_stem(whitening: int) -> nn.Sequential:
    """`whiten, act, pool`: principal directions of 3 x 3 patches with both signs, the means of 2 x 2 places of each."""
    whiten = nn.Conv2d(3, 2 * whitening, 3, padding=1, bias=False).requires_grad_(False)
    return nn.Sequential(OrderedDict(whiten=whiten, act=nn.ReLU(), pool=nn.AvgPool2d(2)))


def _layer(wide: int, width: int, k: int, mixing: bool, seed: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if k:
        layers["conv"] = GumbelConv2d(wide, width, 3, padding=1, top_k=k, seed=seed)
    else:
        layers["conv"] = nn.Conv2d(wide, width, 3, padding=1, bias=False)
    if mixing:
        layers["mix"] = nn.Conv2d(width, width, 1, bias=False)
    return nn.Sequential(layers | {"pool": nn.AvgPool2d(2), "norm": DivisiveNorm2d(width), "act": nn.ReLU()})

"""A few layers and a head, each of them exchangeable: a network to ask one question at a time with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from torch import nn

from cutaway.nets.zoo.gumbel_net import whitened_stem
from cutaway.nets.zoo.positive_net import gathering
from cutaway.nets.zoo.smooth_convnet import convolution
from cutaway.whitebox import Contrast, DivisiveNorm2d, PerspectiveConv2d, PositiveConv2d, ScaleConv2d, Somewhere

TEMPERATURE = 0.3  # of the best place
SIDE, STEM = 32, 16  # of the pictures, and of the stem's grid: a head that reads the whole picture has to know it

KERNELS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "plain": convolution,
    "offset": lambda wide, width: nn.Conv2d(wide, width, 3, padding=1),
    "perspective": lambda wide, width: PerspectiveConv2d(wide, width, 3, padding=1, views=3),
    "scale": lambda wide, width: ScaleConv2d(wide, width, 3, scales=(1.0, 1.7)),
    "positive": lambda wide, width: PositiveConv2d(wide, width, 3, padding=1),
    "least": lambda wide, width: nn.Sequential(gathering(wide, width, 3, 1, 1, "least"), Contrast()),
}
"""Layers of 3 x 3 (scale: and of 5 x 5) by name; least: positive weights, each unit against the mean of all."""

NORMS: Mapping[str, Callable[[int], nn.Module]] = {
    "divisive": DivisiveNorm2d,
    "batch": nn.BatchNorm2d,
    "batch, no scale": lambda width: unscaled(nn.BatchNorm2d(width)),
    "none": lambda _: nn.Identity(),
}
"""Norms by name."""


def shallow_net(
    classes: int = 10,
    widths: Sequence[int] = (48, 64),
    kernels: Sequence[str] = ("plain", "plain"),
    norm: str = "divisive",
    head: str = "mean",
    pools: int = 2,
    whitening: int = 16,
) -> nn.Sequential:
    """`stem, layer1 ... layerN, evidence ..., contrast`; the stem and the first `pools` layers halve the grid.

    kernels, norm: KERNELS and NORMS. head: "mean" (each place has its say), "whole" (one layer over the whole picture,
    of 32 pixels) or "window" (a window of 3 x 3 places that slides; the best place is the answer). whitening=0: no
    stem, the first layer reads pixels and learns.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=whitened_stem(whitening) if whitening else nn.Identity())
    wide, side = (2 * whitening, STEM) if whitening else (3, SIDE)
    for number, (width, kernel) in enumerate(zip(widths, kernels, strict=True), start=1):
        halve = number <= pools
        layers[f"layer{number}"] = _layer(KERNELS[kernel](wide, width), width, norm, halve)
        wide, side = width, side // 2 if halve else side
    return nn.Sequential(layers | _head(head, wide, side, classes) | {"contrast": Contrast()})


def unscaled(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """The norm, whose scale stays 1; its offset learns."""
    norm.weight.requires_grad_(False)
    return norm


def _layer(conv: nn.Module, width: int, norm: str, halve: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=conv)
    if halve:
        layers["pool"] = nn.AvgPool2d(2)
    return nn.Sequential(layers | {"norm": NORMS[norm](width), "act": nn.ReLU()})


def _head(head: str, wide: int, side: int, classes: int) -> OrderedDict[str, nn.Module]:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if head == "whole":
        layers["evidence"] = nn.Conv2d(wide, classes, side, bias=False)
        layers["flatten"] = nn.Flatten()
    elif head == "window":
        layers["evidence"] = nn.Conv2d(wide, classes, 3, padding=1, bias=False)
        layers["somewhere"] = Somewhere(TEMPERATURE)
    else:
        layers["evidence"] = nn.Conv2d(wide, classes, 1, bias=False)
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
    return layers

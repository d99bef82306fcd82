"""A convolutional network whose gradients add up: f(x) = <grad f, x - mean colour>, for every class and every picture.

It has no offsets anywhere: norms that only divide, gates instead of thresholds, means instead of strides, and a head
whose classes stand against one another. What a pixel gives to a score is its value times its gradient, and nothing is
left over. Shape after Jordan's airbench (2024).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import nn

from cutaway.nets.zoo.smooth_convnet import convolution
from cutaway.whitebox import Contrast, DivisiveNorm2d, SoftGate


def bias_free_net(
    classes: int = 10,
    widths: Sequence[int] = (64, 144, 176),
    whitening: int = 16,
    gate: Callable[[], nn.Module] = SoftGate,
) -> nn.Sequential:
    """`stem.whiten, stem.act, stage1 ... stageN, pool, flatten, head, contrast`; pictures that two poolings divide.

    The stem is set from data by `smooth_convnet.whiten` and stays as it is. Every stage but the last halves the grid.
    gate: SoftGate (exact within `weights_held`) or nn.ReLU (exact as it is).
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=stem(whitening, gate))
    wide = 2 * whitening
    for number, width in enumerate(widths, start=1):
        layers[f"stage{number}"] = stage(wide, width, number < len(widths), gate)
        wide = width
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["head"] = nn.Linear(wide, classes, bias=False)
    layers["contrast"] = Contrast()
    return nn.Sequential(layers)


def stem(whitening: int, gate: Callable[[], nn.Module]) -> nn.Sequential:
    """Principal directions of 3 x 3 patches, each with both signs, through gates."""
    whiten = nn.Conv2d(3, 2 * whitening, 3, padding=1, bias=False).requires_grad_(False)
    return nn.Sequential(OrderedDict(whiten=whiten, act=gate()))


def stage(wide: int, width: int, halve: bool, gate: Callable[[], nn.Module]) -> nn.Sequential:
    """Two convolutions, each divided by its own size and gated; 2 x 2 places are averaged where the grid is halved."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv1=convolution(wide, width))
    if halve:
        layers["pool"] = nn.AvgPool2d(2)
    layers |= {"norm1": DivisiveNorm2d(width), "act1": gate(), "conv2": convolution(width, width)}
    layers |= {"norm2": DivisiveNorm2d(width), "act2": gate()}
    return nn.Sequential(layers)

"""A B-cos network: every layer aligns its weights with what it detects, and the whole is one dynamic linear map.

After Böhle, Fritz and Schiele 2022, "B-cos Networks: Alignment is All We Need for Interpretability", in the shape of
the shipped black box, from whose filters it can begin (Arya et al. 2024, "B-cosification"). Three things differ:
colours are signed about the mean colour and split into both signs by the stem, instead of doubled; a ReLU stands
behind each layer, without which the network is odd (a picture's negative has the negative scores); norms only divide.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn

from cutaway.nets.zoo.bias_free_net import stem
from cutaway.whitebox import BcosConv2d, Contrast, DivisiveNorm2d, Scale


def bcos_net(
    classes: int = 10, widths: Sequence[int] = (64, 144, 176), b: float = 2.0, whitening: int = 16
) -> nn.Sequential:
    """`stem.whiten, stem.act, stage1 ... stageN, head, pool, flatten, scale, contrast`; stages as in `smooth_convnet`.

    The stem is set from data by `smooth_convnet.whiten` and stays as it is. Every stage but the last halves the grid.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=stem(whitening, nn.ReLU))
    wide = 2 * whitening
    for number, width in enumerate(widths, start=1):
        layers[f"stage{number}"] = _stage(wide, width, b, halve=number < len(widths))
        wide = width
    layers["head"] = BcosConv2d(wide, classes, 1, b=b)
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "scale": Scale(4.0), "contrast": Contrast()}
    return nn.Sequential(layers)


def _stage(wide: int, width: int, b: float, halve: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv1=_aligned(wide, width, b))
    if halve:
        layers["pool"] = nn.AvgPool2d(2)
    layers |= {"norm1": DivisiveNorm2d(width), "act1": nn.ReLU(), "conv2": _aligned(width, width, b)}
    return nn.Sequential(layers | {"norm2": DivisiveNorm2d(width), "act2": nn.ReLU()})


def _aligned(wide: int, width: int, b: float) -> BcosConv2d:
    """A 3 x 3 layer that starts by passing its input on."""
    layer = BcosConv2d(wide, width, 3, padding=1, b=b)
    with torch.no_grad():
        nn.init.dirac_(layer.weight[: min(wide, width)])
    return layer

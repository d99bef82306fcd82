"""A B-cos network: every layer aligns its weights with what it detects, and the whole is one dynamic linear map.

After Böhle, Fritz and Schiele 2022, "B-cos Networks: Alignment is All We Need for Interpretability". Two things differ:
colours are signed about the mean colour instead of doubled, and norms that only divide keep activations in size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from cutaway.whitebox import BcosConv2d, Contrast, DivisiveNorm2d, Scale


def bcos_net(classes: int = 10, widths: Sequence[int] = (48, 96, 160), b: float = 2.0) -> nn.Sequential:
    """`stage1 ... stageN, evidence, pool, flatten, scale, contrast`; every stage but the last halves the grid."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    wide = 3
    for number, width in enumerate(widths, start=1):
        layers[f"stage{number}"] = _stage(wide, width, b, halve=number < len(widths))
        wide = width
    layers["evidence"] = BcosConv2d(wide, classes, 1, b=b)
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "scale": Scale(4.0), "contrast": Contrast()}
    return nn.Sequential(layers)


def _stage(wide: int, width: int, b: float, halve: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv1=BcosConv2d(wide, width, 3, padding=1, b=b))
    if halve:
        layers["pool"] = nn.AvgPool2d(2)
    layers |= {"norm1": DivisiveNorm2d(width), "conv2": BcosConv2d(width, width, 3, padding=1, b=b)}
    return nn.Sequential(layers | {"norm2": DivisiveNorm2d(width)})

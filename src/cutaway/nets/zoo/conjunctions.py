"""Networks that decide as one would say it: a class is one of several cases, and a case is several parts at once.

score = scale * disjunction over the class's cases of conjunction over the case's parts. In `conjunction_disjunction`
each part may be anywhere; in `directional` the parts of a case lie around one place, each in its own corner.
Features are two convolutions deep, without offsets, so that scores add up from pixels within `weights_held`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from cutaway.nets.zoo.smooth_convnet import convolution
from cutaway.whitebox import Contrast, DirectionalPool2d, DivisiveNorm2d, GroupMean, Scale, SoftMaxPool, Somewhere

WIDTHS = (48, 96)
PARTS = 4  # of a case: one for each corner


def conjunction_disjunction(
    classes: int = 10, cases: int = 4, widths: Sequence[int] = WIDTHS, whitening: int = 16, temperature: float = 0.3
) -> nn.Sequential:
    """`stem, layer1, layer2, parts, somewhere, case, class, scale, contrast`.

    Part p of case c of class k is channel (k * cases + c) * 4 + p of `parts`. Each must be somewhere (`somewhere`),
    all of a case should be (`case`, their mean), and one case suffices (`class`).
    """
    layers = _parts(classes * cases, widths, whitening)
    layers["somewhere"] = Somewhere(temperature)
    layers["case"] = GroupMean(classes * cases)
    return nn.Sequential(layers | _decision(classes, temperature))


def directional(
    classes: int = 10,
    cases: int = 4,
    reach: int = 3,
    widths: Sequence[int] = WIDTHS,
    whitening: int = 16,
    temperature: float = 0.3,
) -> nn.Sequential:
    """`stem, layer1, layer2, parts, corners, case, somewhere, class, scale, contrast`.

    The four parts of a case are looked for in the four corners around a place, up to `reach` places away; their mean is
    the case at that place, which must be somewhere.
    """
    layers = _parts(classes * cases, widths, whitening)
    layers["corners"] = DirectionalPool2d(reach)
    layers["case"] = GroupMean(classes * cases)
    layers["somewhere"] = Somewhere(temperature)
    return nn.Sequential(layers | _decision(classes, temperature))


def _parts(cases: int, widths: Sequence[int], whitening: int) -> OrderedDict[str, nn.Module]:
    whiten = nn.Conv2d(3, 2 * whitening, 3, padding=1, bias=False).requires_grad_(False)
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(OrderedDict(whiten=whiten, act=nn.ReLU())))
    wide = 2 * whitening
    for number, width in enumerate(widths, start=1):
        layers[f"layer{number}"] = nn.Sequential(
            OrderedDict(conv=convolution(wide, width), pool=nn.AvgPool2d(2), norm=DivisiveNorm2d(width), act=nn.ReLU())
        )
        wide = width
    layers["parts"] = nn.Sequential(
        OrderedDict(conv=nn.Conv2d(wide, cases * PARTS, 3, padding=1, bias=False), norm=DivisiveNorm2d(cases * PARTS))
    )
    return layers


def _decision(classes: int, temperature: float) -> OrderedDict[str, nn.Module]:
    """One case suffices; how sure that makes us is one learned number."""
    pool = SoftMaxPool(classes, temperature)
    return OrderedDict({"class": pool, "scale": Scale(1.0), "contrast": Contrast()})

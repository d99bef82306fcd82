"""Networks that decide by likeness to patches of training pictures: features, prototypes, one linear layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.nets.zoo.smooth_convnet import convolution
from cutaway.whitebox import DeformablePrototypeLayer, PrototypeLayer
from cutaway.whitebox.prototypes import Prototypes

AGAINST = -0.5  # what likeness to another class's prototype takes from a score as training begins (Chen et al. 2019)


class PrototypeNet(nn.Module):
    """encoder -> features (batch, channels, y, x); prototypes -> likeness (batch, prototypes); head -> scores."""

    def __init__(self, encoder: nn.Module, prototypes: Prototypes) -> None:
        super().__init__()
        self.encoder, self.prototypes = encoder, prototypes
        self.head = nn.Linear(len(prototypes.classes_of), prototypes.classes, bias=False)
        own = prototypes.classes_of[None] == torch.arange(prototypes.classes)[:, None]
        with torch.no_grad():
            self.head.weight.copy_(torch.where(own, 1.0, AGAINST))

    def forward(self, pictures: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        scores: Tensor = self.head(self.prototypes(self.encoder(pictures)))
        return scores


def encoder(widths: Sequence[int] = (64, 128), channels: int = 64, whitening: int = 16) -> nn.Sequential:
    """`stem, layer1, ..., reduce, squash`: features in [0, 1]; each layer halves the grid."""
    whiten = nn.Conv2d(3, 2 * whitening, 3, padding=1, bias=False).requires_grad_(False)
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(OrderedDict(whiten=whiten, act=nn.GELU())))
    wide = 2 * whitening
    for number, width in enumerate(widths, start=1):
        layers[f"layer{number}"] = nn.Sequential(
            OrderedDict(conv=convolution(wide, width), pool=nn.AvgPool2d(2), norm=nn.BatchNorm2d(width), act=nn.GELU())
        )
        wide = width
    layers |= {"reduce": nn.Conv2d(wide, channels, 1), "squash": nn.Sigmoid()}
    return nn.Sequential(layers)


def protopnet(classes: int = 10, per_class: int = 8, channels: int = 64, seed: int = 0) -> PrototypeNet:
    """ProtoPNet (Chen et al. 2019): a prototype is one place of the features."""
    return PrototypeNet(encoder(channels=channels), PrototypeLayer(channels, classes, per_class, seed=seed))


def deformable_prototypes(classes: int = 10, per_class: int = 8, channels: int = 64, seed: int = 0) -> PrototypeNet:
    """Prototypes of four parts, each looked for in its own direction."""
    layer = DeformablePrototypeLayer(channels, classes, per_class, parts=4, reach=2, form="directions", seed=seed)
    return PrototypeNet(encoder(channels=channels), layer)

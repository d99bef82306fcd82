"""A small convolutional network made to be looked into: smooth everywhere, one straight line, an exact head.

Every nonlinearity is a GELU and every reduction a mean, so scores bend gently and path integrals of gradients
converge in few steps. The last grid keeps a quarter of the picture's side, and a mean over it feeds one linear layer,
so what a channel gives to a class score is exactly its mean times one weight. Shape after Jordan's airbench (2024).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


def smooth_convnet(
    classes: int = 10, widths: Sequence[int] = (64, 144, 176), whitening: int = 16, channels: int = 3
) -> nn.Sequential:
    """`stem.whiten, stem.act, stage1 ... stageN, pool, flatten, head`; pictures of any size that two poolings divide.

    `whitening` principal directions of 3 x 3 patches, each with both signs, make the stem; they are set from data by
    `whiten` and stay as they are. Every stage but the last halves the grid.
    """
    stem = nn.Sequential(
        OrderedDict(
            whiten=nn.Conv2d(channels, 2 * whitening, 3, padding=1, bias=False).requires_grad_(False),
            act=nn.GELU(),
        )
    )
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=stem)
    wide = 2 * whitening
    for number, width in enumerate(widths, start=1):
        layers[f"stage{number}"] = stage(wide, width, halve=number < len(widths))
        wide = width
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["head"] = nn.Linear(wide, classes)
    return nn.Sequential(layers)


def widths_of(weights: Mapping[str, Tensor]) -> tuple[int, ...]:
    """The widths of the stages, by the weights of such a network."""
    return tuple(len(value) for name, value in weights.items() if name.endswith("conv2.weight"))


def leaves(network: nn.Module) -> Iterator[nn.Module]:
    """The layers that hold no others, in their order."""
    return (layer for layer in network.modules() if not any(layer.children()))


def filters(network: nn.Module) -> list[tuple[nn.Conv2d, nn.Module | None, nn.BatchNorm2d | None]]:
    """Each convolution, with the pooling and the norm behind it, where there are such."""
    found: list[tuple[nn.Conv2d, nn.Module | None, nn.BatchNorm2d | None]] = []
    for layer in leaves(network):
        if isinstance(layer, nn.Conv2d):
            found.append((layer, None, None))
        elif isinstance(layer, nn.AvgPool2d | nn.MaxPool2d):
            found[-1] = (found[-1][0], layer, found[-1][2])
        elif isinstance(layer, nn.BatchNorm2d):
            found[-1] = (found[-1][0], found[-1][1], layer)
    return found


@torch.no_grad()
def in_integers(network: nn.Module, top: int = 127) -> None:
    """Rounds filters to whole numbers, so that each weight takes a byte; what the network says hardly changes.

    A norm divides by the spread of what a filter finds, so the filter's own size is free: its largest weight becomes
    `top`, and the norm's mean and variance grow along. A filter without a norm stays as it is.
    """
    for conv, _, norm in filters(network):
        if norm is None:
            continue
        assert norm.running_mean is not None
        assert norm.running_var is not None
        larger = top / conv.weight.abs().amax((1, 2, 3)).clamp(min=torch.finfo(conv.weight.dtype).tiny)
        conv.weight.copy_((conv.weight * larger[:, None, None, None]).round())
        norm.running_mean *= larger
        norm.running_var.copy_(larger**2 * (norm.running_var + norm.eps) - norm.eps)


def stage(wide: int, width: int, halve: bool) -> nn.Sequential:
    """Two convolutions, each normalised and bent; the first's 2 x 2 places are averaged where the grid is halved."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv1=convolution(wide, width))
    if halve:
        layers["pool"] = nn.AvgPool2d(2)
    layers["norm1"] = nn.BatchNorm2d(width)
    layers["act1"] = nn.GELU()
    layers["conv2"] = convolution(width, width)
    layers["norm2"] = nn.BatchNorm2d(width)
    layers["act2"] = nn.GELU()
    return nn.Sequential(layers)


def convolution(wide: int, width: int) -> nn.Conv2d:
    """A 3 x 3 convolution that starts by passing its input on (the norm after it makes a bias idle)."""
    layer = nn.Conv2d(wide, width, 3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(layer.weight[: min(wide, width)])
    return layer


@torch.no_grad()
def whiten(network: nn.Module, pictures: Float[Tensor, "batch channels height width"], floor: float = 1e-2) -> None:
    """Sets a stem (`...stem.whiten`) to the leading principal directions of patches, each scaled to variance one.

    A network without such a stem stays as it is. `pictures` are normalised as the network sees them. `floor`, as a
    share of the variance of one input value, keeps faint directions from being blown up into noise.
    """
    layer = next((layer for name, layer in network.named_modules() if name.endswith("stem.whiten")), None)
    if layer is None:
        return
    assert isinstance(layer, nn.Conv2d)
    covariance = torch.zeros((layer.weight[0].numel(),) * 2, dtype=torch.float64, device=pictures.device)
    for some in pictures.split(50):  # so few that their patches stay in the caches
        patches = nn.functional.unfold(some, layer.kernel_size).double()
        covariance += (patches @ patches.mT).sum(0) / (len(pictures) * patches.shape[2])
    variances, directions = torch.linalg.eigh(covariance)
    count = layer.out_channels // 2
    scaled = directions.T.flip(0)[:count] / torch.sqrt(variances.flip(0)[:count, None] + floor)
    layer.weight.copy_(torch.cat([scaled, -scaled]).view_as(layer.weight))

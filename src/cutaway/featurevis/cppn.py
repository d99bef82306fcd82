"""CPPN: a picture as a small network from each place to its colour, smooth however large it is drawn."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.core.types import Pictures

WIDTH = 24
DEPTH = 8
"""Hidden channels and layers, as in the article."""

REACH = math.sqrt(3)
"""Coordinates run from -REACH to REACH, so that they have unit variance over the picture."""

GREY = 0.02
"""Weights of the last layer at the start, as a share of the usual: the picture begins almost grey."""

Weights = Float[Tensor, "batch numbers"]
"""Of all layers, each with its bias, one after the other."""


def start(channels: int, size: int, generator: torch.Generator) -> Float[Tensor, " numbers"]:
    """Weights at random, each layer's outputs of unit variance, as the article draws them."""
    layers = []
    for inputs, outputs in _shapes(channels):
        scale = (GREY if outputs == channels else 1.0) / math.sqrt(inputs)
        weight = torch.randn(outputs, inputs, generator=generator) * scale
        layers.append(torch.cat([weight, torch.zeros(outputs, 1)], dim=1).flatten())
    return torch.cat(layers)


def draw(numbers: Weights, size: int) -> Pictures:
    """The canvas: the network at every place. A compositional pattern producing network (Stanley 2007; Mordvintsev et
    al. 2018, "Differentiable Image Parameterizations")."""
    line = torch.linspace(-REACH, REACH, size, device=numbers.device)
    hidden = torch.stack(torch.meshgrid(line, line, indexing="xy")).flatten(1).expand(len(numbers), -1, -1)
    shapes = _shapes(_channels(numbers.shape[1]))
    layers = numbers.split([outputs * (inputs + 1) for inputs, outputs in shapes], dim=1)
    for index, (layer, (inputs, outputs)) in enumerate(zip(layers, shapes, strict=True)):
        weight, bias = layer.unflatten(1, (outputs, inputs + 1)).split([inputs, 1], dim=2)
        hidden = torch.baddbmm(bias, weight, hidden if index == 0 else _composed(hidden))
    return hidden.view(*hidden.shape[:2], size, size)


def _composed(hidden: Float[Tensor, "batch channels places"]) -> Float[Tensor, "batch twice places"]:
    """An odd and an even function of every channel, each of unit variance for normal inputs."""
    turned = hidden.atan()
    return torch.cat([turned / 0.67, (turned.square() - 0.45) / 0.396], dim=1)


def _shapes(channels: int) -> list[tuple[int, int]]:
    """(inputs, outputs) of each layer."""
    return [(2, WIDTH), *[(2 * WIDTH, WIDTH)] * (DEPTH - 1), (2 * WIDTH, channels)]


def _channels(numbers: int) -> int:
    hidden = sum(outputs * (inputs + 1) for inputs, outputs in _shapes(0))
    return (numbers - hidden) // (2 * WIDTH + 1)

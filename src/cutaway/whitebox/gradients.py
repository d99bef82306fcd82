"""Layers that weigh their input by their input: held fixed, the weights make a linear map that explains the output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from cutaway.core.errors import OptionError


class Weighing(nn.Module):
    """A layer y = W(x) x; with `detach` no gradient flows through W, and y = <dy/dx, x> is exact."""

    detach: bool = False


def weighs(network: nn.Module) -> bool:
    """Whether any layer weighs its input by its input, so that holding the weights says more than the gradient."""
    return any(isinstance(layer, Weighing) for layer in network.modules())


@contextmanager
def weights_held(network: nn.Module) -> Iterator[nn.Module]:
    """Inside the block the gradient of every weighing layer is its dynamic linear map W(x); outputs are unchanged.

    Gradient x input then adds up to the output wherever the rest of the network is homogeneous (Böhle et al. 2022).
    """
    layers = [layer for layer in network.modules() if isinstance(layer, Weighing)]
    before = [layer.detach for layer in layers]
    try:
        for layer in layers:
            layer.detach = True
        yield network
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.detach = was


def positive(value: float, name: str) -> float:
    """The value, or an OptionError where it is not above 0."""
    if not value > 0:
        raise OptionError(f"{name} is {value}; expected a number above 0; try {name}=1.0")
    return float(value)


def at_least_one(value: int, name: str) -> int:
    """The value, or an OptionError where it is not a whole number of at least 1."""
    if value < 1:
        raise OptionError(f"{name} is {value}; expected a whole number of at least 1; try {name}=1")
    return int(value)

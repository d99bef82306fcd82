"""The same network with something around it: blind to a region, written in another way, or with scores mixed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cutaway.attribution import Forward
from cutaway.attribution.scores import name_of
from cutaway.core.errors import ModelError
from cutaway.nets.model import Model
from cutaway.nets.outputs import scores_of


class Blind(nn.Module):
    """The network, to which a region of its input is constant (0 as the network sees it)."""

    def __init__(self, inner: nn.Module, seen: Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("seen", seen, persistent=False)

    def forward(self, inputs: Tensor) -> Any:
        return self.inner(inputs * self.get_buffer("seen").to(inputs))


class Twin(nn.Module):
    """The same function written in another way: relu(x) = (x + |x|) / 2, gelu(x) = x (1 + erf(x / √2)) / 2,
    silu(x) = x / (1 + exp(-x))."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Any:
        with _Rewritten():
            return self.inner(inputs)


class Mixed(nn.Module):
    """Scores that are one network's, times a matrix."""

    def __init__(self, inner: nn.Module, weights: Float[Tensor, "classes mixtures"]) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        found = scores_of(self.inner(inputs), len(inputs), "the network")
        return found @ self.get_buffer("weights").to(found)


class _Called(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(inputs)


def rewired(forward: Forward, around: Callable[[nn.Module], nn.Module]) -> Model | nn.Module:
    """The Model, module or function with a module put around its network; it shares the weights."""
    if isinstance(forward, Model):
        return Model(around(forward.module), forward.preprocess, name=f"{forward.name}, rewired")
    return around(forward if isinstance(forward, nn.Module) else _Called(forward))


def twin(forward: Forward, inputs: Tensor) -> Model | nn.Module:
    """The same function written in another way (see Twin). A ModelError where it has nothing to rewrite."""
    with _Rewritten() as rewritten, torch.no_grad():
        forward(inputs[:1].clone())
    if not rewritten.count:
        raise ModelError(
            f"{name_of(forward)} calls no relu, gelu or silu; expected one, to write it in another way; "
            "try implementation_invariance with a network of your own"
        )
    return rewired(forward, Twin)


_OTHERWISE: Mapping[Callable[..., Any], Callable[[Tensor], Tensor]] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_), lambda x: (x + x.abs()) / 2),
    F.gelu: lambda x: x * (1 + torch.erf(x / math.sqrt(2))) / 2,
    F.silu: lambda x: x / (1 + torch.exp(-x)),
}
_IN_PLACE = (F.relu_, torch.relu_, Tensor.relu_)


class _Rewritten(TorchFunctionMode):
    """While it lasts, activations are computed by other formulas."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function not in _OTHERWISE or kwargs.get("approximate", "none") != "none":
            return function(*args, **kwargs)
        self.count += 1
        given = args[0] if args else kwargs["input"]
        if function in _IN_PLACE or kwargs.get("inplace") or (len(args) > 1 and bool(args[1])):
            return given.copy_(_OTHERWISE[function](given.clone()))  # the formula's gradient needs what was given
        return _OTHERWISE[function](given)

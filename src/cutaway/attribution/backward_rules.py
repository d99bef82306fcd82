"""Backward rules: other things to do than the derivative, where a gradient passes an activation or a pooling.

Each method is a row of one table: for the functions that it changes, a rule. A rule is not tied to layers but to the
functions that a network calls (as modules, functions or methods, in place or not), and holds only while it is applied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from cutaway.core.errors import ModelError

Gate: TypeAlias = Callable[[Tensor, float], Tensor]
"""What the gradient is multiplied by, from what came into the function and a temperature."""


@dataclass(frozen=True)
class Rule:
    """How a gradient passes a function instead of by its derivative.

    gate: multiplies it (None = the derivative itself); positive: only positive gradients pass;
    temperature: how soft the gate is, in the units of what comes in, or as a share of its spread (`relative`).
    """

    gate: Gate | None = None
    positive: bool = False
    temperature: float = 1.0
    relative: bool = False

    def through(self, value: Tensor, given: Tensor) -> Tensor:
        """The function's value, through which gradients pass to what was given by this rule."""
        if self.gate is not None:
            value = _with_gradient_of(value, self.gate(given.detach(), self.scaled(given)) * given)
        if self.positive and value.requires_grad:
            value = value * 1  # a tensor of its own, so that no other user of the value meets the hook
            value.register_hook(lambda gradient: gradient.clamp(min=0))
        return value

    def scaled(self, given: Tensor) -> Any:
        """The temperature in the units of what was given, for each of a batch where it is relative."""
        if not self.relative:
            return self.temperature
        spread = given.detach().reshape(len(given), -1).std(dim=1, correction=0).clamp(min=1e-12)
        return self.temperature * spread.reshape(-1, *[1] * (given.ndim - 1))


def _sigmoid(given: Tensor, temperature: Any) -> Tensor:
    return torch.sigmoid(given / temperature)


def _normal(given: Tensor, temperature: Any) -> Tensor:
    return (1 + torch.erf(given / temperature / math.sqrt(2))) / 2


def _open(given: Tensor, temperature: Any) -> Tensor:
    return torch.ones_like(given)


RULES: Mapping[str, Mapping[str, Rule]] = {
    "guided_backprop": {"relu": Rule(positive=True)},
    "deconvnet": {"relu": Rule(gate=_open, positive=True)},
    "pullback": {
        "relu": Rule(gate=_sigmoid, temperature=0.6),
        "gelu": Rule(gate=_normal, temperature=1.0),
        "silu": Rule(gate=_sigmoid, temperature=1.6),
        "max_pool2d": Rule(temperature=0.3),
    },
}
"""Method -> what it changes. Temperatures of the pullback as published."""

FUNCTIONS: Mapping[Callable[..., Any], str] = {
    F.relu: "relu",
    F.relu_: "relu",
    torch.relu: "relu",
    torch.relu_: "relu",
    Tensor.relu: "relu",
    Tensor.relu_: "relu",
    F.gelu: "gelu",
    F.silu: "silu",
    F.max_pool2d: "max_pool2d",
    torch.max_pool2d: "max_pool2d",
}
"""What torch's functions are called in the table. Both names of a function in place are its name without."""


class backward_rules(TorchFunctionMode):  # noqa: N801  a context manager, named as such
    """While it lasts, functions that have a rule in this table pass gradients by it; what they compute is the same."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        super().__init__()
        self.rules = rules
        self.met: set[str] = set()

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = FUNCTIONS.get(function, "")
        if name not in self.rules:
            return function(*args, **kwargs)
        self.met.add(name)
        rule, given = self.rules[name], args[0] if args else kwargs["input"]
        if name == "max_pool2d":
            return _pooled(rule, function, args, kwargs)
        in_place = bool(kwargs.pop("inplace", False)) or function in (F.relu_, torch.relu_, Tensor.relu_)
        if function is F.relu and len(args) > 1:
            in_place, args = bool(args[1]), args[:1]
        value = rule.through(_plain(name, args, kwargs), given)
        return given.copy_(value) if in_place else value

    def check(self, method: str, name: str) -> None:
        """A ModelError where the network called nothing that a rule is for."""
        if not self.met:
            raise ModelError(
                f"{method} changes how gradients pass {', '.join(self.rules)}, but {name} calls none of these; "
                "expected a network that does; try gradient, whose map would be the same"
            )


def rules_of(method: str, temperature: float | None = None, relative: bool = False) -> dict[str, Rule]:
    """The rules of a method; `temperature` replaces those of its gates."""
    return {
        name: replace(rule, relative=relative, temperature=rule.temperature if temperature is None else temperature)
        for name, rule in RULES[method].items()
    }


def _plain(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    functions: dict[str, Callable[..., Tensor]] = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu}
    return functions[name](*args, **kwargs)


def _pooled(rule: Rule, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The maximum of each window, its gradient shared out among the window by the softmax at the temperature."""
    known = (
        dict(zip(("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"), args, strict=False)) | kwargs
    )
    if kwargs.get("return_indices") or any(_pair(known.get("dilation", 1))[axis] != 1 for axis in (0, 1)):
        return function(*args, **kwargs)
    given, value = known["input"], function(*args, **kwargs)
    kernel = _pair(known["kernel_size"])
    stride, padding = _pair(known.get("stride") or kernel), _pair(known.get("padding", 0))
    far = [(size - 1) * step + width for size, step, width in zip(value.shape[-2:], stride, kernel, strict=True)]
    bottom, right = (
        max(0, reach - side - pad) for reach, side, pad in zip(far, given.shape[-2:], padding, strict=True)
    )
    lowest = torch.finfo(given.dtype).min / 4
    edges = (padding[1], right, padding[0], bottom)
    padded = F.pad(given, edges, value=lowest).unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1])
    windows = padded[:, :, : value.shape[2], : value.shape[3]].flatten(-2)
    scale = rule.scaled(given)
    shares = (windows.detach() / (scale[..., None] if isinstance(scale, Tensor) else scale)).softmax(dim=-1)
    return _with_gradient_of(value, (shares * windows).sum(dim=-1))


def _with_gradient_of(value: Tensor, surrogate: Tensor) -> Tensor:
    """The value, with the gradient of the surrogate."""
    return value.detach() + (surrogate - surrogate.detach())


def _pair(given: Any) -> tuple[int, int]:
    return (given, given) if isinstance(given, int) else (tuple(given) * 2)[:2]

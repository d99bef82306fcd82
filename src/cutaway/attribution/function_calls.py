"""Watching what a network calls: torch's functions by the names under which backward rules know them.

A rule is tied to the functions that a network calls (as modules, functions or methods, in place or not), not to its
layers: a function used as `F.relu` in a forward pass is met like the module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from cutaway.core.errors import ModelError


@dataclass(frozen=True)
class Call:
    """One call of a function: what it was given, its other arguments by name, and how to compute it."""

    name: str
    given: Tensor
    more: Mapping[str, Any]
    function: Callable[..., Any]

    def value(self, given: Tensor | None = None) -> Tensor:
        """What the function answers, out of place, to what it was given or to something else."""
        value: Tensor = self.function(self.given if given is None else given, **self.more)
        return value


Rule: TypeAlias = Callable[[Call], Any]
"""Computes a call, with another way for the gradient to pass it."""

ONLY_WATCHED = "only_watched"
"""An attribute of rules that change nothing and only look on."""

CONVOLUTION = ("weight", "bias", "stride", "padding", "dilation", "groups")
POOLING = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")

_KNOWN: Mapping[str, tuple[tuple[str, ...], tuple[Callable[..., Any], ...]]] = {
    "relu": ((), (F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)),
    "gelu": (("approximate",), (F.gelu,)),
    "silu": ((), (F.silu,)),
    "tanh": ((), (torch.tanh, torch.tanh_, F.tanh, Tensor.tanh, Tensor.tanh_)),
    "elu": (("alpha",), (F.elu,)),
    "leaky_relu": (("negative_slope",), (F.leaky_relu,)),
    "hardtanh": (("min_val", "max_val"), (F.hardtanh,)),
    "relu6": ((), (F.relu6,)),
    "hardswish": ((), (F.hardswish,)),
    "mish": ((), (F.mish,)),
    "sigmoid": ((), (torch.sigmoid, torch.sigmoid_, F.sigmoid, Tensor.sigmoid, Tensor.sigmoid_)),
    "hardsigmoid": ((), (F.hardsigmoid,)),
    "softmax": (("dim",), (F.softmax, torch.softmax, Tensor.softmax)),
    "max_pool2d": (POOLING, (F.max_pool2d, torch.max_pool2d)),
    "conv1d": (CONVOLUTION, (F.conv1d,)),
    "conv2d": (CONVOLUTION, (F.conv2d,)),
    "conv3d": (CONVOLUTION, (F.conv3d,)),
    "linear": (("weight", "bias"), (F.linear,)),
    "batch_norm": (("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"), (F.batch_norm,)),
    "layer_norm": (("normalized_shape", "weight", "bias", "eps"), (F.layer_norm,)),
    "attention": (
        ("key", "value", "attn_mask", "dropout_p", "is_causal"),
        (F.scaled_dot_product_attention,),
    ),
    "multi_head_attention": (
        (
            "key", "value", "embed_dim_to_check", "num_heads", "in_proj_weight", "in_proj_bias", "bias_k", "bias_v",
            "add_zero_attn", "dropout_p", "out_proj_weight", "out_proj_bias",
        ),
        (F.multi_head_attention_forward,),
    ),
}  # fmt: skip
"""Name -> its parameters after the first, and all that torch calls it; the first of these is out of place."""

FUNCTIONS: Mapping[Callable[..., Any], str] = {
    function: name for name, (_, functions) in _KNOWN.items() for function in functions
}
_IN_PLACE = {
    F.relu_, torch.relu_, Tensor.relu_, torch.tanh_, Tensor.tanh_, torch.sigmoid_, Tensor.sigmoid_
}  # fmt: skip


class backward_rules(TorchFunctionMode):  # noqa: N801  a context manager, named as such
    """While it lasts, functions that have a rule in this table pass gradients by it; what they compute is the same."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        super().__init__()
        self.rules = rules
        self.met: set[str] = set()

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = FUNCTIONS.get(function, "")
        if name not in self.rules:
            return function(*args, **(kwargs or {}))
        self.met.add(name)
        names, functions = _KNOWN[name]
        more = dict(kwargs or {})
        given = args[0] if args else more.pop("input" if "input" in more else "query")
        more = dict(zip((*names, "inplace"), args[1:], strict=False)) | more
        in_place = bool(more.pop("inplace", False)) or function in _IN_PLACE
        value = self.rules[name](Call(name, given, more, functions[0]))
        return given.copy_(value) if in_place else value

    def check(self, method: str, name: str) -> None:
        """A ModelError where the network called nothing that a rule is for."""
        changed = [each for each, rule in self.rules.items() if not hasattr(rule, ONLY_WATCHED)]
        if not self.met.intersection(changed):
            raise ModelError(
                f"{method} changes how gradients pass {', '.join(changed)}, but {name} calls none of these; "
                "expected a network that does; try gradient, whose map would be the same"
            )

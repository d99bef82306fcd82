"""Relevance: how each step of a network hands what it was credited with back to what it was given.

Written as a gradient: what is passed back is relevance divided by the value that bears it. Then everything that is
linear without an offset (sums, skip connections, concatenation, poolings, reshaping) needs no rule at all, since its
derivative conserves relevance, and a ReLU needs none either; what is left are the layers with weights, bends that are
no ReLU, and what multiplies values with each other.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from cutaway.attribution.function_calls import Call, Rule, backward_rules
from cutaway.attribution.gates import gated
from cutaway.core.errors import ModelError

TINY = 1e-12
"""Stands for a value of 0 that bears relevance (the flat and the box rule give it to black pixels too)."""


@dataclass(frozen=True)
class Step:
    """A layer with weights, as one call met it: linear in the weight and the bias; `offset` = whether a bias counts."""

    call: Call
    weight: Tensor
    bias: Tensor | None

    def __call__(self, given: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """What the layer would answer with other weights; no bias unless one is given."""
        return replace(self.call, more={**self.call.more, "weight": weight, "bias": bias}).value(given)

    def scaled(self, scale: Tensor, shift: Tensor) -> Step:
        """The layer with a batch normalisation merged into it."""
        bias = shift if self.bias is None else shift + scale * self.bias
        return replace(self, weight=self.weight * scale.reshape(-1, *[1] * (self.weight.ndim - 1)), bias=bias)


LinearRule: TypeAlias = Callable[[Step, Tensor, Tensor], Tensor]
"""(step, given, signal) -> relevance of what was given, divided by it; signal is that of the step's value."""

Composite: TypeAlias = Callable[[str, int], LinearRule]
"""(kind, index) -> the rule of a layer: "convolution" or "linear", and how many with weights were met before it."""


def stabilised(value: Tensor, by: float) -> Tensor:
    """The value, moved away from 0 by so much."""
    return value + torch.where(value >= 0, by, -by)


def nonzero(value: Tensor) -> Tensor:
    """The value, with TINY for what is 0."""
    return torch.where(value == 0, TINY, value)


def pulled(function: Callable[[Tensor], Tensor], at: Tensor, signal: Tensor) -> Tensor:
    """The signal sent back through the derivative of a function at a place."""
    with torch.enable_grad():
        leaf = at.detach().requires_grad_()
        return torch.autograd.grad(function(leaf), leaf, signal)[0]


class Credit:
    """The linear rules of one pass: which layer comes when, and which batch normalisations belong to one."""

    def __init__(self, composite: Composite) -> None:
        self.composite = composite
        self._met = 0
        self._last: tuple[weakref.ref[Tensor], Step, LinearRule] | None = None

    def linear(self, call: Call) -> Tensor:
        """A convolution or a linear layer."""
        kind = "linear" if call.name == "linear" else "convolution"
        step = Step(call, call.more["weight"].detach(), _detached(call.more.get("bias")))
        rule = self.composite(kind, self._met)
        self._met += 1
        with torch.no_grad():
            value = step(call.given.detach(), step.weight, step.bias)
        passed = _handed_back(step, value, rule)
        mergeable = kind == "convolution" or value.ndim == 2
        self._last = (weakref.ref(passed), step, rule) if mergeable else None
        return passed

    def batch_norm(self, call: Call) -> Tensor:
        """Merged into the layer whose value it was given; else what is linear in it, its derivative."""
        more = call.more
        if self._last is None or self._last[0]() is not call.given or more.get("training"):
            return call.value()
        _, step, rule = self._last
        spread = torch.rsqrt(more["running_var"] + more.get("eps", 1e-5))
        scale = spread if more.get("weight") is None else spread * more["weight"].detach()
        shift = -more["running_mean"] * scale
        shift = shift if more.get("bias") is None else shift + more["bias"].detach()
        with torch.no_grad():
            value = call.value(call.given.detach())
        return _handed_back(step.scaled(scale, shift), value, rule)


def ratio(call: Call) -> Tensor:
    """An activation bears what its input bears: the signal is multiplied by value / given."""
    given = call.given.detach()
    value = call.value(given)
    return gated(call.given, value, value / stabilised(given, 1e-9))


def constant(call: Call) -> Tensor:
    """What says how much of something else passes (softmax, sigmoid) bears nothing itself.

    Arras et al. 2017; Ali et al. 2022, "XAI for Transformers: Better Explanations through Conservative Propagation".
    """
    with torch.no_grad():
        return call.value()


def constant_spread(call: Call) -> Tensor:
    """A layer normalisation whose division bears nothing."""
    more, given = call.more, call.given
    axes = tuple(range(-len(more["normalized_shape"]), 0))
    centred = given - given.mean(dim=axes, keepdim=True)
    spread = (centred.detach().square().mean(dim=axes, keepdim=True) + more.get("eps", 1e-5)).rsqrt()
    normed = centred * spread
    weighted: Tensor = normed if more.get("weight") is None else normed * more["weight"].detach()
    return weighted if more.get("bias") is None else weighted + more["bias"].detach()


def constant_attention(call: Call) -> Tensor:
    """Attention whose weights bear nothing: only the values that they mix do."""
    more = {**call.more, "key": call.more["key"].detach()}
    return replace(call, more=more).value(call.given.detach())


def multi_head(call: Call, rules: dict[str, Rule]) -> Any:
    """torch's module for attention, taken apart into what there are rules for."""
    more, heads = call.more, call.more["num_heads"]
    unusual = ("bias_k", "bias_v", "add_zero_attn", "key_padding_mask", "attn_mask", "use_separate_proj_weight")
    for name in unusual:
        if more.get(name) is not None and more.get(name) is not False:
            raise ModelError(
                f"lrp met attention with {name}; expected attention without; try integrated_gradients, which asks for "
                "nothing but scores"
            )
    biases = (None,) * 3 if more["in_proj_bias"] is None else more["in_proj_bias"].chunk(3)
    with backward_rules(rules):
        query, key, value = (
            rearrange(F.linear(x, weight, bias), "length batch (heads wide) -> batch heads length wide", heads=heads)
            for x, weight, bias in zip(
                (call.given, more["key"], more["value"]), more["in_proj_weight"].chunk(3), biases, strict=True
            )
        )
        mixed = rearrange(
            F.scaled_dot_product_attention(query, key, value), "batch heads length wide -> length batch (heads wide)"
        )
        answer = F.linear(mixed, more["out_proj_weight"], more["out_proj_bias"])
    return answer, _attention_weights(query, key, more) if more.get("need_weights", True) else None


def _attention_weights(query: Tensor, key: Tensor, more: Any) -> Tensor:
    with torch.no_grad():
        weights: Tensor = (query @ key.mT / query.shape[-1] ** 0.5).softmax(dim=-1)
        return weights.mean(dim=1) if more.get("average_attn_weights", True) else weights


def _detached(bias: Tensor | None) -> Tensor | None:
    return None if bias is None else bias.detach()


def _handed_back(step: Step, value: Tensor, rule: LinearRule) -> Tensor:
    apply: Callable[..., Tensor] = _HandedBack.apply
    return apply(step.call.given, value, step, rule)


class _HandedBack(torch.autograd.Function):
    """The value of a step, whose gradient passes to what was given by its rule; nothing is computed until it does."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, value: Tensor, step: Step, rule: LinearRule) -> Tensor:
        ctx.save_for_backward(given)
        ctx.step, ctx.rule = step, rule
        return value.detach()

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor | None, ...]:
        (given,) = ctx.saved_tensors
        return ctx.rule(ctx.step, given, signals[0]), None, None, None

"""Backward rules: the one table of what methods do, instead of the derivative, where a gradient passes a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from cutaway.attribution.function_calls import Rule
from cutaway.attribution.gates import Channels, Positive, Soft, normal, sigmoid, spread
from cutaway.attribution.relevance import (
    Composite,
    Credit,
    constant,
    constant_attention,
    constant_spread,
    multi_head,
    ratio,
)
from cutaway.attribution.soft_pooling import SoftPooling

Rules: TypeAlias = dict[str, Rule]
"""Function, by its name in `function_calls` -> the rule by which gradients pass it."""


def guided_backprop() -> Rules:
    """Only what is positive passes, where the activation is on."""
    return {"relu": Positive()}


def deconvnet() -> Rules:
    """Only what is positive passes, whether the activation is on or off."""
    return {"relu": Positive(always=True)}


def published() -> Rules:
    """Soft gates at the temperatures of the paper, in the units of what comes in."""
    return {
        "relu": Soft(sigmoid, 0.6),
        "gelu": Soft(normal, 1.0),
        "silu": Soft(sigmoid, 1.6),
        "max_pool2d": SoftPooling(0.3),
    }


def fitted(temperature: float, threshold: float, pooling: float) -> Rules:
    """Soft gates that fit themselves to the network: in standard deviations of what comes in, over the channels of one
    place for activations, over everything for poolings."""
    channels = Channels()
    gates = {"relu": sigmoid, "gelu": normal, "silu": sigmoid}
    return {
        **{name: Soft(gate, temperature, threshold, channels.spread) for name, gate in gates.items()},
        "max_pool2d": SoftPooling(pooling, spread),
        "linear": channels,
    }


def lrp(composite: Composite) -> Rules:
    """Relevance: linear layers by the composite, bends by value over given, multipliers as constants."""
    credit = Credit(composite)
    bends = ("gelu", "silu", "tanh", "elu", "leaky_relu", "hardtanh", "relu6", "hardswish", "mish")
    rules: Rules = {
        **dict.fromkeys(("conv1d", "conv2d", "conv3d", "linear"), credit.linear),
        **dict.fromkeys(bends, ratio),
        **dict.fromkeys(("sigmoid", "hardsigmoid", "softmax"), constant),
        "batch_norm": credit.batch_norm,
        "layer_norm": constant_spread,
        "attention": constant_attention,
    }
    rules["multi_head_attention"] = lambda call: multi_head(call, {**rules})
    return rules


RULES: Mapping[str, Callable[..., Rules]] = {
    "guided_backprop": guided_backprop,
    "deconvnet": deconvnet,
    "pullback": fitted,
    "pullback, as published": published,
    "lrp": lrp,
}
"""Method -> what it changes, made anew for each pass from the method's options."""

"""Gradients that pass activations by another rule than the derivative: guided, deconvnet, pullback."""

from __future__ import annotations

import torch
from torch import Tensor

from cutaway.attribution.attribution import Attribution
from cutaway.attribution.backward_rules import Rule, backward_rules, rules_of
from cutaway.attribution.cam import grad_cam, with_layers
from cutaway.attribution.scores import Forward, Inputs, gradients, join, name_of, portions
from cutaway.core.errors import OptionError
from cutaway.nets.targets import Target


def guided_backprop(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    batch_size: int | None = None,
) -> Attribution:
    """The gradient, of which only what is positive passes each ReLU: sharp, but it often shows the picture more than
    the reason (mind the sanity check).

    Springenberg et al. 2014, "Striving for Simplicity: The All Convolutional Net".
    """
    return _modified("guided_backprop", rules_of("guided_backprop"), forward, inputs, target, versus, batch_size)


def deconvnet(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    batch_size: int | None = None,
) -> Attribution:
    """The score sent back through the network, with a ReLU on what is sent back at each ReLU.

    Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks".
    """
    return _modified("deconvnet", rules_of("deconvnet"), forward, inputs, target, versus, batch_size)


def pullback(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    temperature: float | None = None,
    relative: bool = False,
    batch_size: int | None = None,
) -> Attribution:
    """The gradient with soft gates: ReLU, GELU and SiLU let it pass by how far they are open, max pooling by a softmax.

    temperature: of all gates, in the units of what comes into them (None = as published: 0.6, 1.0, 1.6, 0.3), or,
    `relative`, as a share of its standard deviation in each picture, for networks whose activations are large.
    Satkiewicz et al. 2025, "Pulling Back the Curtain on Deep Networks", arXiv:2507.22832.
    """
    if temperature is not None and not temperature > 0:
        raise OptionError(f"temperature is {temperature}; expected more than 0; try 0.6")
    rules = rules_of("pullback", temperature, relative)
    return _modified("pullback", rules, forward, inputs, target, versus, batch_size)


def guided_grad_cam(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    layer: str | None = None,
    batch_size: int | None = None,
) -> Attribution:
    """Guided backpropagation where Grad-CAM is bright: their product, in the shape of the inputs.

    layer: as for `grad_cam`. Selvaraju et al. 2017, "Grad-CAM".
    """
    where = grad_cam(with_layers(forward, "guided_grad_cam"), inputs, target, versus=versus, layer=layer,
                     batch_size=batch_size)  # fmt: skip
    what = guided_backprop(forward, inputs, where.target, versus=where.versus, batch_size=batch_size)
    return Attribution(
        values=what.values * where.values[:, None],
        target=where.target,
        versus=where.versus,
        method="guided_grad_cam",
        layer=where.layer,
        evaluations=torch.full((len(inputs),), 2),
    )


def _modified(
    method: str,
    rules: dict[str, Rule],
    forward: Forward,
    inputs: Inputs,
    target: Target,
    versus: Target,
    batch_size: int | None,
) -> Attribution:
    values: list[Tensor] = []
    parts = []
    for portion in portions(inputs, target, versus, batch_size):
        with backward_rules(rules) as applied:
            found, said = gradients(forward, *portion)
        applied.check(method, name_of(forward))
        values.append(found)
        parts.append(said)
    answer = join(parts)
    return Attribution(
        values=torch.cat(values),
        target=answer.target,
        versus=answer.versus,
        method=method,
        evaluations=torch.ones(len(inputs), dtype=torch.long),
    )

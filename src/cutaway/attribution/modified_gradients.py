"""Gradients that pass activations by another rule than the derivative: guided, deconvnet, and guided Grad-CAM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from cutaway.attribution.attribution import Attribution, attributed
from cutaway.attribution.backward_rules import RULES, Rules
from cutaway.attribution.cam import grad_cam, with_layers
from cutaway.attribution.function_calls import backward_rules
from cutaway.attribution.scores import Answer, Forward, Inputs, Question, gradients_of_all, name_of
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
    question = Question(forward, inputs, target, versus, batch_size)
    return attributed("guided_backprop", *modified("guided_backprop", RULES["guided_backprop"], question))


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
    question = Question(forward, inputs, target, versus, batch_size)
    return attributed("deconvnet", *modified("deconvnet", RULES["deconvnet"], question))


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
    module = with_layers(forward, "guided_grad_cam")
    where = grad_cam(module, inputs, target, versus=versus, layer=layer, batch_size=batch_size)
    what = guided_backprop(module, inputs, where.target, versus=where.versus, batch_size=batch_size)
    return Attribution(
        values=what.values * where.values[:, None],
        target=where.target,
        versus=where.versus,
        method="guided_grad_cam",
        layer=where.layer,
        evaluations=torch.full((len(inputs),), 2),
    )


def modified(method: str, rules: Callable[[], Rules], question: Question) -> tuple[Inputs, Answer]:
    """The gradients, passed by the rules, which are made anew for each pass; a ModelError where none was met."""
    return gradients_of_all(question, during=lambda: _met(method, name_of(question.forward), rules()))


@contextmanager
def _met(method: str, name: str, rules: Rules) -> Iterator[None]:
    """The rules in force, and a complaint if a pass that went well called nothing that they are for."""
    with backward_rules(rules) as applied:
        yield
    applied.check(method, name)

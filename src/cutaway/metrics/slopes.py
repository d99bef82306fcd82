"""The gradients that legibility is measured on, as the network means them, or as a rival method would have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.attribution import Attribution, gradient, pullback
from cutaway.core.errors import choose
from cutaway.core.types import Pictures
from cutaway.metrics.asking import scores
from cutaway.nets.model import Model
from cutaway.nets.targets import Target
from cutaway.whitebox import weights_held

Classes = Int[Tensor, " batch"]
Slopes: TypeAlias = Callable[[Model, Pictures, Classes, int], Pictures]
"""slopes(model, pictures, classes, batch_size): what each pixel's change does to the score of each picture's class."""

CHUNK = 64  # pictures that share a pass where nothing is said


def held_gradient(model: Model, pictures: Pictures, classes: Classes, batch_size: int = CHUNK) -> Pictures:
    """The gradient, with the weights that layers give their inputs held (`whitebox.weights_held`): the dynamic linear
    map of a B-cos layer, of a soft gate, of a soft maximum. For all other networks the gradient."""
    with weights_held(model.module):
        return gradient(model, pictures, classes, batch_size=batch_size).values


def plain_gradient(model: Model, pictures: Pictures, classes: Classes, batch_size: int = CHUNK) -> Pictures:
    """The gradient as it is."""
    return gradient(model, pictures, classes, batch_size=batch_size).values


def pulled_back(model: Model, pictures: Pictures, classes: Classes, batch_size: int = CHUNK) -> Pictures:
    """The pullback: gradients through soft gates, put behind any network."""
    return pullback(model, pictures, classes, times_input=False, batch_size=batch_size).values


READINGS: Mapping[str, Slopes] = {"gradient": held_gradient, "plain": plain_gradient, "pullback": pulled_back}
"""How gradients are read, by name; a function of one's own works too."""

Reading: TypeAlias = "str | Slopes"


def slopes_of(reading: Reading) -> Slopes:
    """The function that a name stands for. Raises OptionError for an unknown name."""
    return READINGS[choose(reading, READINGS, "reading")] if isinstance(reading, str) else reading


def read(
    model: Model, pictures: Pictures, target: Target, reading: Reading, batch_size: int | None
) -> tuple[Float[Tensor, " batch"], Pictures, Pictures]:
    """The scores of a target, their gradients, and what the pictures are above the mean colour."""
    answers = scores(model, pictures, batch_size)
    classes = model.target(target, answers)
    slopes = slopes_of(reading)(model, pictures, classes, batch_size or CHUNK)
    return answers.gather(1, classes[:, None])[:, 0], slopes, pictures - mean_colour(model, pictures)


def evidence(reading: Reading) -> Callable[..., Attribution]:
    """Gradient times what the picture is above the mean colour: each pixel's share of the score, as a method."""
    slopes = slopes_of(reading)

    def input_x_slope(
        forward: Model, inputs: Tensor, target: Tensor | int | str | None = None, *, batch_size: int | None = None
    ) -> Attribution:
        with torch.no_grad():
            classes = forward.target(target, forward(inputs)) if not isinstance(target, Tensor) else target
        values = slopes(forward, inputs, classes, batch_size or CHUNK) * (inputs - mean_colour(forward, inputs))
        return Attribution(values, classes, "input_x_slope")

    return input_x_slope


def mean_colour(model: Model, pictures: Pictures) -> Float[Tensor, "channels 1 1"]:
    """What the network sees as nothing: its preprocessing's mean."""
    mean = torch.tensor(model.preprocess.mean).to(pictures)
    return (mean.flip(0) if model.preprocess.bgr else mean)[:, None, None]

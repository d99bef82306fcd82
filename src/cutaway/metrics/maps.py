"""The maps that metrics judge: one number per place, by any method of the table or any function of its signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.attribution import METHODS, Attribution, Forward
from cutaway.attribution.scores import Inputs
from cutaway.core.errors import PictureError, choose
from cutaway.core.types import Pictures
from cutaway.nets.targets import Target

Method: TypeAlias = "str | Callable[..., Attribution]"
"""A name in attribution.METHODS, or a function method(forward, inputs, target, **options) of one's own."""

Maps: TypeAlias = Float[Tensor, "batch height width"]
"""How much each place argued for the score."""

UNSIGNED = frozenset({"gradient", "smoothgrad", "guided_backprop", "deconvnet", "guided_grad_cam"})
"""Methods that say how far a small change of a value moves the score; its sign is no argument for or against."""


def method_of(method: Method) -> Callable[..., Attribution]:
    """The function that a name stands for. Raises OptionError for an unknown name."""
    return METHODS[choose(method, METHODS, "method")] if isinstance(method, str) else method


def name_of_method(method: Method) -> str:
    """What tables call it."""
    return method if isinstance(method, str) else getattr(method, "__name__", type(method).__name__)


def attributed(
    model: Forward, method: Method, inputs: Inputs, target: Target, batch_size: int | None = None, **options: Any
) -> Attribution:
    """The method's attribution; a `batch_size` is passed on where one is given."""
    if batch_size is not None:
        options["batch_size"] = batch_size
    return method_of(method)(model, inputs, target, **options)


def maps_of(found: Attribution) -> Maps:
    """One number per place: colours added up, magnitudes where the method's sign is no argument.

    A PictureError for attributions that don't lie on a picture.
    """
    values = found.values.detach()
    if values.ndim not in (3, 4):
        raise PictureError(
            f"{found.method} gave values of shape {tuple(values.shape)}; expected (batch, channels, height, width) or "
            "(batch, height, width) for a metric that looks at places; try an axiom, which takes any shape"
        )
    if found.method in UNSIGNED:
        values = values.abs()
    return values.sum(dim=1) if values.ndim == 4 else values


def maps(
    model: Forward, method: Method, pictures: Pictures, target: Target, batch_size: int | None = None, **options: Any
) -> tuple[Maps, Attribution]:
    """One number per place of each picture, and the attribution that it comes from."""
    found = attributed(model, method, pictures, target, batch_size, **options)
    return maps_of(found), found


def shares(field: Maps, region: Maps) -> Float[Tensor, " batch"]:
    """How much of what argues for the score lies in a region; NaN where nothing argues for it."""
    positive = field.double().clamp(min=0)
    return (positive * region).sum(dim=(1, 2)) / positive.sum(dim=(1, 2))


def numbers(values: Tensor) -> Float[np.ndarray, ...]:
    """A tensor as an array of doubles."""
    array: Float[np.ndarray, ...] = values.detach().to("cpu", torch.float64).numpy()
    return array

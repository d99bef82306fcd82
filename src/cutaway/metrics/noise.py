"""The noise test: what does a network show when there is nothing to see?

A linear unit has one gradient, and shows it on any noise; a network that has learned nothing but edges shows noise. So
two questions are asked: do gradients on different noise agree, and does another network recognise what they show?
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import LayerError, OptionError
from cutaway.core.seeds import generator
from cutaway.core.types import Pictures
from cutaway.metrics.asking import scores
from cutaway.metrics.maps import numbers
from cutaway.metrics.measured import Measured, mean_of
from cutaway.metrics.slopes import CHUNK, Reading, mean_colour, slopes_of
from cutaway.nets.model import Model
from cutaway.trace import trace
from cutaway.whitebox import weights_held

DRAWS, SPREAD = 32, 0.25
"""Pictures of noise, and their standard deviation in [0, 1], about the mean colour: about that of real pictures."""
AGREES = 0.5  # a mean cosine from which a unit's gradients are said to agree: fixed before anything was measured


def noise(model: Model, draws: int = DRAWS, spread: float = SPREAD, seed: int = 0) -> Pictures:
    """Gaussian pictures about the network's mean colour. Not clipped: they need not be pictures."""
    if draws < 2 or spread <= 0:
        raise OptionError(f"draws is {draws} and spread is {spread}; expected at least 2 draws, a spread above 0")
    drawn = torch.randn(draws, *model.preprocess.shape, generator=generator(seed, "noise")).to(model.device)
    return mean_colour(model, drawn) + spread * drawn


def unit_agreement(
    model: Model,
    layer: str,
    *,
    units: Sequence[int] | None = None,
    draws: int = DRAWS,
    spread: float = SPREAD,
    seed: int = 0,
) -> Measured:
    """For each live unit of a layer: the mean cosine between its gradients on different noise, at its middle place.

    A unit is live where at least two draws move it. `(found.values >= AGREES)` are the units that show one thing.
    """
    return mean_of(
        numbers(torch.stack([agreement(each) for each in unit_slopes(model, layer, units, draws, spread, seed)])), seed
    )


def unit_slopes(
    model: Model,
    layer: str,
    units: Sequence[int] | None = None,
    draws: int = DRAWS,
    spread: float = SPREAD,
    seed: int = 0,
) -> list[Float[Tensor, "draws channels height width"]]:
    """For each unit of a layer: its gradients at its middle place on the same noise."""
    pictures = noise(model, draws, spread, seed).requires_grad_(True)
    with weights_held(model.module), model.in_use():
        found = trace(model, pictures, [layer], logits=False)[layer]
        if found.ndim != 4:
            raise LayerError(f"{layer} gives values of shape {tuple(found.shape)}; expected (batch, units, y, x)")
        middle = found[:, :, found.shape[2] // 2, found.shape[3] // 2]
        return [
            torch.autograd.grad(middle[:, unit].sum(), pictures, retain_graph=True)[0]
            for unit in (range(middle.shape[1]) if units is None else units)
        ]


def class_agreement(
    model: Model,
    classes: int,
    *,
    reading: Reading = "gradient",
    draws: int = DRAWS,
    spread: float = SPREAD,
    seed: int = 0,
) -> Measured:
    """For each class: the mean cosine between the gradients toward it on different noise."""
    return mean_of(
        numbers(torch.stack([agreement(each) for each in class_slopes(model, classes, reading, draws, spread, seed)])),
        seed,
    )


def class_slopes(
    model: Model, classes: int, reading: Reading = "gradient", draws: int = DRAWS, spread: float = SPREAD, seed: int = 0
) -> Float[Tensor, "classes draws channels height width"]:
    """The gradients toward each class on the same noise."""
    pictures, slopes = noise(model, draws, spread, seed), slopes_of(reading)
    toward = [torch.full((draws,), each, device=model.device) for each in range(classes)]
    return torch.stack([slopes(model, pictures, each, CHUNK) for each in toward])


def recognised(
    model: Model,
    judge: Model,
    *,
    reading: Reading = "gradient",
    groups: int = 10,
    draws: int = DRAWS,
    spread: float = SPREAD,
    seed: int = 0,
) -> Measured:
    """How often a judge, a frozen network of other make and the same classes, calls the average by its intended class.

    For every class and each of `groups` sets of noise: the mean gradient over `draws`, as a picture (`shown`).
    Chance is 1 / classes; n = groups x classes.
    """
    if judge.preprocess.shape != model.preprocess.shape:
        raise OptionError(
            f"the judge takes pictures of {judge.preprocess.shape} and the network of {model.preprocess.shape}; "
            "expected the same; try another judge"
        )
    classes = scores(model, noise(model, 2), None).shape[1]
    if scores(judge, noise(judge, 2), None).shape[1] != classes:
        raise OptionError(f"the judge has other classes than the network's {classes}; expected the same classes")
    hits = []
    for group in range(groups):
        averages = class_slopes(model, classes, reading, draws, spread, seed + group).mean(1)
        hits.append(scores(judge, shown(model, averages)).argmax(1).cpu() == torch.arange(classes))
    return mean_of(numbers(torch.cat(hits).double()), seed)


def shown(model: Model, slopes: Pictures, spread: float = SPREAD) -> Pictures:
    """Gradients as pictures: about the mean colour, with the spread of a real picture, clipped to [0, 1]."""
    sizes = slopes.flatten(1).std(1).clamp(min=1e-12)[:, None, None, None]
    pictures: Tensor = mean_colour(model, slopes) + spread * slopes / sizes
    return pictures.clamp(0, 1)


def agreement(slopes: Float[Tensor, "draws ..."]) -> Float[Tensor, ""]:
    """The mean cosine over pairs of draws that have a gradient; NaN where fewer than two have."""
    flat = slopes.detach().flatten(1).double()
    units = F.normalize(flat[flat.norm(dim=1) > 0], dim=1)
    count = len(units)
    if count < 2:
        return flat.new_tensor(torch.nan)
    total: Tensor = (units.sum(0).square().sum() - count) / (count * (count - 1))
    return total

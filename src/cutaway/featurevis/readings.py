"""Readings: how each kind of objective's term reads a trace, for many pictures at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from cutaway.core.errors import LayerError
from cutaway.core.types import Logits
from cutaway.featurevis.relations import (
    Grid,
    Scores,
    read_alignment,
    read_caricature,
    read_diversity,
    read_inversion,
)
from cutaway.featurevis.terms import Term
from cutaway.nets.model import Model
from cutaway.trace import layout


@dataclass(frozen=True)
class Reading:
    """One kind of term. rows: checks terms of one layer against the model, and gives what `read` wants of each.
    read: (grids or logits, rows) -> one number for each picture. Kinds that compare with a given picture are given
    its grid in place of rows."""

    rows: Callable[[Model, Sequence[Term]], Tensor]
    read: Callable[[Tensor, Tensor], Tensor]


def channels_of(model: Model, terms: Sequence[Term]) -> Int[Tensor, "terms numbers"]:
    """The channels, and their places if they have one; a LayerError with the range where there is no such channel."""
    layer = terms[0].layer
    channels = layout(model, layer).channels
    for term in terms:
        if not 0 <= int(term.values[0]) < channels:
            raise LayerError(
                f'no unit "{layer}:{term.values[0]}" in {model.name}; '
                f"expected a channel from 0 to {channels - 1} of {layer}"
            )
    return torch.tensor([term.values for term in terms])


def vectors_of(model: Model, terms: Sequence[Term]) -> Float[Tensor, "terms channels"]:
    """The directions; a LayerError where one does not have a number for each channel."""
    layer = terms[0].layer
    channels = layout(model, layer).channels
    for term in terms:
        if len(term.values) != channels:
            raise LayerError(
                f"a direction of {len(term.values)} numbers in {layer} of {model.name}; expected {channels}, "
                "one for each channel"
            )
    return torch.tensor([term.values for term in terms], dtype=torch.float32)


def classes_of(model: Model, terms: Sequence[Term]) -> Int[Tensor, "terms 1"]:
    """The classes as indices; a TargetError with the nearest labels where there is none of that name."""
    logits = _grey_logits(model)
    wanted = [term.values[0] for term in terms]
    return torch.stack([model.target(each if isinstance(each, str) else int(each), logits) for each in wanted]).cpu()


def contrasts_of(model: Model, terms: Sequence[Term]) -> Float[Tensor, "terms classes"]:
    """What each logit counts for: 1 for the class, less its share of the mean where classes exclude each other."""
    classes = _grey_logits(model).shape[1]
    mean = 0.0 if model.multilabel or classes == 1 else 1 / classes
    return one_hot(classes_of(model, terms)[:, 0], classes).float() - mean


def _grey_logits(model: Model) -> Logits:
    with torch.no_grad():
        return model(torch.full((1, *model.preprocess.shape), 0.5, device=model.device))


def whole_layer(model: Model, terms: Sequence[Term]) -> Float[Tensor, "terms 0"]:
    """Nothing but the layer itself, which has to be one that can be laid out."""
    layout(model, terms[0].layer)
    return torch.empty(len(terms), 0)


def read_channel(grid: Grid, rows: Int[Tensor, "pictures 1"]) -> Scores:
    """The mean of each picture's channel over all places."""
    return grid[torch.arange(len(grid), device=grid.device), rows[:, 0]].float().mean(dim=(1, 2))


def read_neuron(grid: Grid, rows: Int[Tensor, "pictures 3"]) -> Scores:
    """Each picture's channel at its place; a LayerError where the grid, at this size of picture, has no such place."""
    channels, down, right = rows.unbind(dim=1)
    height, width = grid.shape[2:]
    if bool(((down < 0) | (down >= height) | (right < 0) | (right >= width)).any()):
        raise LayerError(
            f"no place at row {int(down.max())}, column {int(right.max())}; "
            f"expected rows 0 to {height - 1} and columns 0 to {width - 1}, the layer's grid at this size of picture"
        )
    return grid[torch.arange(len(grid), device=grid.device), channels, down, right].float()


def read_direction(grid: Grid, rows: Float[Tensor, "pictures channels"]) -> Scores:
    """The dot product of each picture's mean over places with its vector."""
    return (grid.float().mean(dim=(2, 3)) * rows).sum(dim=1)


def read_logit(logits: Float[Tensor, "pictures classes"], rows: Int[Tensor, "pictures 1"]) -> Scores:
    """The logit of each picture's class."""
    return logits.float().gather(1, rows)[:, 0]


def read_contrast(logits: Float[Tensor, "pictures classes"], rows: Float[Tensor, "pictures classes"]) -> Scores:
    """The logits, each counted as its row says."""
    return (logits.float() * rows).sum(dim=1)


def read_energy(grid: Grid, rows: Float[Tensor, "pictures 0"]) -> Scores:
    """The mean square of all activations."""
    return grid.float().square().mean(dim=(1, 2, 3))


READINGS: Mapping[str, Reading] = {
    "unit": Reading(channels_of, read_channel),
    "neuron": Reading(channels_of, read_neuron),
    "direction": Reading(vectors_of, read_direction),
    "class": Reading(contrasts_of, read_contrast),
    "logit": Reading(classes_of, read_logit),
    "deepdream": Reading(whole_layer, read_energy),
    "diversity": Reading(whole_layer, read_diversity),
    "alignment": Reading(whole_layer, read_alignment),
    "caricature": Reading(whole_layer, read_caricature),
    "inversion": Reading(whole_layer, read_inversion),
}
"""Kind of a term -> how it is read. A user's function of a trace is read by calling it."""

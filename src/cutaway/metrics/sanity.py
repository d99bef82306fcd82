"""Sanity checks: does a map show what the network learned, or only the picture? Randomised weights and labels."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.seeds import generator
from cutaway.metrics.correlation import rank_correlation
from cutaway.metrics.maps import Method, attributed
from cutaway.metrics.measured import Measured, mean_of
from cutaway.nets.model import Model
from cutaway.nets.targets import Target

THRESHOLD = 0.5


@dataclass(frozen=True)
class SanityCheck(Measured):
    """The mean rank correlation of maps of a network with maps of the same network after its weights were shuffled.

    Near 0 is good. Above the threshold the maps show the pictures more than what the network learned.
    """

    threshold: float = THRESHOLD

    @property
    def passed(self) -> bool:
        """Whether the mean is below the threshold; not where no map of either network varied."""
        return self.n > 0 and abs(self.value) <= self.threshold


def sanity_check(
    model: Model | nn.Module,
    method: Method,
    pictures: Float[Tensor, "batch ..."],
    target: Target = None,
    *,
    seed: int = 0,
    threshold: float = THRESHOLD,
    **options: Any,
) -> SanityCheck:
    """Compares the method's maps of the model with those of a copy whose weights are shuffled, picture by picture.

    Spearman's correlation of magnitudes (colours added up first), for the same classes in both; pictures of which one
    of the two maps is constant are left out of n. `options` go to the method. The model is not touched.
    Adebayo et al. 2018, "Sanity Checks for Saliency Maps".
    """
    return _compared(model, shuffled(model, seed), method, pictures, target, seed, threshold, options)


def label_check(
    model: Model | nn.Module,
    misled: Model | nn.Module,
    method: Method,
    pictures: Float[Tensor, "batch ..."],
    target: Target = None,
    *,
    seed: int = 0,
    threshold: float = THRESHOLD,
    **options: Any,
) -> SanityCheck:
    """Compares the method's maps with those of a network of the same kind that was trained on shuffled labels.

    Such a network has learned its pictures by heart and nothing about the classes, so maps that show what a network
    learned differ. Else as `sanity_check`. Adebayo et al. 2018, section 4.2.
    """
    return _compared(model, misled, method, pictures, target, seed, threshold, options)


def _compared(
    model: Model | nn.Module,
    blank: Model | nn.Module,
    method: Method,
    pictures: Float[Tensor, "batch ..."],
    target: Target,
    seed: int,
    threshold: float,
    options: dict[str, Any],
) -> SanityCheck:
    learned = attributed(model, method, pictures, target, **options)
    other = attributed(blank, method, pictures, learned.target, **options)
    channels = learned.values.ndim == pictures.ndim > 3
    correlations = [
        rank_correlation(_magnitudes(some, channels), _magnitudes(one, channels))
        for some, one in zip(learned.values, other.values, strict=True)
    ]
    found = mean_of(np.array([np.nan if each is None else each for each in correlations]), seed)
    return SanityCheck(found.value, found.interval, found.n, found.values, threshold)


def shuffled(model: Model | nn.Module, seed: int = 0) -> Model | nn.Module:
    """A copy that knows nothing: each parameter and buffer keeps its numbers but not their places, so that all scales
    stay as they were."""
    module = copy.deepcopy(model.module if isinstance(model, Model) else model)
    with torch.no_grad():
        for name, tensor in sorted(module.state_dict().items()):
            order = torch.randperm(tensor.numel(), generator=generator(seed, "shuffle", name))
            tensor.copy_(tensor.flatten()[order.to(tensor.device)].reshape(tensor.shape))
    if not isinstance(model, Model):
        return module
    return Model(module, model.preprocess, model.labels, name=f"{model.name}, shuffled")


def _magnitudes(values: Tensor, channels: bool) -> Float[np.ndarray, " n"]:
    field = values.detach().cpu().double()
    magnitudes: Float[np.ndarray, " n"] = (field.sum(dim=0) if channels else field).abs().flatten().numpy()
    return magnitudes

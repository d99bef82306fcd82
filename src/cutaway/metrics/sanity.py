"""The sanity check of randomised weights: does a map show what the network learned, or only the picture?"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.attribution import METHODS, Attribution
from cutaway.core.errors import choose
from cutaway.core.seeds import generator
from cutaway.metrics.correlation import rank_correlation
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
    method: str | Callable[..., Attribution],
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
    compute = METHODS[choose(method, METHODS, "method")] if isinstance(method, str) else method
    learned = compute(model, pictures, target, **options)
    blank = compute(shuffled(model, seed), pictures, learned.target, **options)
    channels = learned.values.ndim == pictures.ndim > 3
    correlations = [
        rank_correlation(_magnitudes(some, channels), _magnitudes(other, channels))
        for some, other in zip(learned.values, blank.values, strict=True)
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

"""Dreams: a given picture with more of what a layer sees in it, or of what excites an objective."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.core.types import Unit
from cutaway.data.pictures import Source, picture_from
from cutaway.featurevis.judge import fitted
from cutaway.featurevis.objectives import Objective, as_objective, deepdream
from cutaway.featurevis.settings import SIZES
from cutaway.featurevis.terms import Held, TraceFunction
from cutaway.featurevis.visualization import Visualization
from cutaway.featurevis.visualize import visualize
from cutaway.nets.model import Model, as_model
from cutaway.trace import layouts

SCALE = 1.4
"""How much larger each octave is than the one before."""


def dream(
    model: Model | nn.Module,
    picture: Source,
    what: str | Objective | TraceFunction,
    *,
    size: int = 224,
    octaves: int = 4,
    steps: int = 12,
    rate: int | float = 0.5,
    seed: int = 0,
    precision: str = "auto",
    cache: bool = True,
) -> Visualization:
    """A picture in which a network finds what it is looking for, and then more of it, at every scale.

    picture: to start from; its middle square is shown at `size` pixels. what: a layer's name, or any objective.
    octaves: sizes, from the smallest; what was dreamed at one is enlarged and laid over the picture at the next, which
    so keeps its own detail. steps: of each octave. rate: how far each step goes. DeepDream (Mordvintsev, Olah and
    Tyka 2015, "Inceptionism").
    """
    model = as_model(model)
    wanted = deepdream(what) if isinstance(what, str) else as_objective(what)
    least = round(size / SCALE ** (octaves - 1)) if octaves > 0 else 0
    if least < SIZES[0]:
        raise OptionError(
            f"octaves is {octaves}, the smallest of {least} px; expected 1 or more, of {SIZES[0]} px at least"
        )

    held = Held.of(picture_from(picture))
    dreamed: Tensor | None = None
    history: list[Tensor] = []
    for octave in reversed(range(octaves)):
        side = round(size / SCALE**octave)
        awake = fitted(model, [held], side).cpu().expand(len(wanted), -1, -1, -1)
        start = awake if dreamed is None else (awake + _enlarged(dreamed, side)).clamp(0, 1)
        found = visualize(
            model,
            wanted,
            size=side,
            steps=steps,
            parameterization="laplacian",
            transforms="jitter",
            rate=rate,
            start=start,
            seed=seed,
            precision=precision,
            cache=cache,
        )
        dreamed = found.pictures - awake
        history.append(found.history)
    return replace(found, history=torch.cat(history, dim=1))


def accentuate(
    model: Model | nn.Module,
    picture: Source,
    objective: Objective | TraceFunction | str | Unit,
    *,
    near: str | None = None,
    strength: int | float = 1.0,
    size: int = 128,
    steps: int = 64,
    rate: int | float = 0.25,
    seed: int = 0,
    cache: bool = True,
) -> Visualization:
    """A picture with that made clear in it which excites an objective: what of it a unit or a class responds to.

    near: the layer at which the picture has to stay near itself, a third of the way up where left out; strength: how
    near, as a charge in shares of the score. Feature accentuation (Hamblin et al. 2024).
    """
    model = as_model(model)
    if near is None:
        spatial = [name for name, laid in layouts(model).items() if laid.spatial]
        near = spatial[len(spatial) // 3] if spatial else None
    return visualize(
        model,
        objective,
        size=size,
        steps=steps,
        rate=rate,
        start=picture,
        near=None if near is None else (near, strength),
        seed=seed,
        cache=cache,
    )


def _enlarged(pictures: Tensor, side: int) -> Tensor:
    return F.interpolate(pictures, (side, side), mode="bicubic", align_corners=False)

"""Motion: scores of finished pictures while they are moved, which noise that fits one grid of pixels does not keep."""

from __future__ import annotations

import torch

from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.core.types import Pictures, Unit
from cutaway.featurevis.judge import judge
from cutaway.featurevis.objectives import Objective, as_objective, copies
from cutaway.featurevis.relations import Scores
from cutaway.featurevis.settings import TransformChoice, settings
from cutaway.featurevis.terms import TraceFunction
from cutaway.featurevis.transforms import DRAWS
from cutaway.nets.model import Model


def moved_scores(
    model: Model,
    objective: Objective | TraceFunction | str | Unit,
    pictures: Pictures,
    *,
    transforms: TransformChoice = "standard",
    draws: int = 16,
    seed: int = 0,
) -> Scores:
    """What pictures score on the mean over random transforms, in float32; each draw is the same for all of them.

    pictures: one for each of the objective's, or any number of them for an objective of one; square, in [0, 1]. An
    OptionError where their numbers differ otherwise.
    """
    wanted = as_objective(objective)
    wanted = copies(wanted, len(pictures)) if len(wanted) == 1 else wanted
    if len(wanted) != len(pictures):
        raise OptionError(
            f"{len(pictures)} pictures for an objective of {len(wanted)}; expected as many, or one objective"
        )
    given = settings(
        model.device, size=pictures.shape[-1], steps=draws, transforms=transforms, seed=seed, precision="float32"
    )
    judged = judge(model, wanted.pictures, given, ())
    drawn = torch.rand((draws, 1, len(given.transforms), DRAWS), generator=generator(seed, "motion")).to(model.device)
    with torch.no_grad():
        shown = pictures.to(model.device)
        found = [judged(shown, each.expand(len(shown), -1, -1), "float32")[0] for each in drawn]
    mean: Scores = torch.stack(found).mean(dim=0).cpu()
    return mean

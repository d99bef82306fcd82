"""Layer-wise relevance propagation: the score handed back from layer to layer, to all that contributed to it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch

from cutaway.attribution.attribution import Attribution
from cutaway.attribution.backward_rules import RULES
from cutaway.attribution.baselines import as_seen
from cutaway.attribution.linear_rules import EPSILON, composites
from cutaway.attribution.modified_gradients import modified
from cutaway.attribution.path import total
from cutaway.attribution.relevance import Composite, nonzero
from cutaway.attribution.scores import Forward, Inputs, Question
from cutaway.core.errors import OptionError, choose
from cutaway.nets.targets import Target


def lrp(
    forward: Forward,
    inputs: Inputs,
    target: Target = None,
    *,
    versus: Target = None,
    composite: str | Composite = "epsilon-gamma-box",
    epsilon: float = EPSILON,
    gamma: float = 0.25,
    bounds: tuple[float, float] = (0.0, 1.0),
    batch_size: int | None = None,
) -> Attribution:
    """Relevance of each value for the score: what a layer is credited with is shared out among what it was given.

    composite: which rule each layer follows: "epsilon" and "z-plus" everywhere; "epsilon-plus" and "epsilon-gamma"
    (z-plus or gamma at convolutions, epsilon at linear layers); "epsilon-plus-flat" and "epsilon-gamma-box" (as these,
    with a flat or box rule at the first layer); or a function (kind, index) -> one of `linear_rules`.
    bounds: least and largest value of an input, for the box rule.

    Batch normalisation is merged into the layer before it where there is one, and skip connections share by what either
    side adds; the module itself is not touched. In transformers, attention weights and the division of layer
    normalisation are taken as constants (Ali et al. 2022).
    A value's relevance is that of what the first layer sees, so a Model's mean colour has none. Biases keep what they
    contribute, and epsilon keeps a little: `completeness_gap` says how much, sum of the values minus the score.
    Bach et al. 2015, "On Pixel-Wise Explanations ... by Layer-Wise Relevance Propagation".
    """
    if epsilon <= 0 or gamma < 0 or not bounds[0] < bounds[1]:
        raise OptionError(
            f"epsilon is {epsilon}, gamma {gamma}, bounds {bounds}; expected epsilon > 0, gamma >= 0, and a lower "
            "before an upper bound"
        )
    seen, unit = as_seen(forward, inputs)
    low, high = (as_seen(forward, torch.full_like(inputs[:1], bound))[0] for bound in bounds)
    known = composites(epsilon, gamma, low, high)
    chosen = _chosen(composite, known)
    slopes, said = modified("lrp", partial(RULES["lrp"], chosen), Question(forward, inputs, target, versus, batch_size))
    values = nonzero(seen) * (unit * slopes)
    score = said.score.to(inputs)
    return Attribution(
        values=values,
        target=said.target,
        versus=said.versus,
        method="lrp",
        difference=score,
        completeness_gap=(total(values) - score).to(inputs),
        evaluations=torch.ones(len(inputs), dtype=torch.long),
    )


def _chosen(composite: str | Composite, known: Mapping[str, Composite]) -> Composite:
    return known[choose(composite, known, "composite")] if isinstance(composite, str) else composite

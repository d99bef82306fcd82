"""Octaves: pictures made small first, then enlarged and made finer, each time twice as large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from cutaway.featurevis.optimise import Optimised, optimise
from cutaway.featurevis.settings import Settings
from cutaway.featurevis.terms import Held, Term
from cutaway.nets.model import Model


def grow(
    model: Model,
    objectives: Sequence[tuple[Term, ...]],
    given: Settings,
    salts: Sequence[str],
    start: Sequence[Held],
    progress: Callable[[int], None],
) -> Optimised:
    """As `optimise`, from coarse to fine where the settings ask for several octaves, which share the steps.

    Steps on small pictures are cheap, and forms found there are larger.
    """
    history, begun = [], start
    for size, steps in _plan(given):
        made = optimise(model, objectives, replace(given, size=size, steps=steps), salts, begun, start, progress)
        history.append(made.history)
        begun = [Held.of(picture) for picture in made.pictures]
    return replace(made, history=torch.cat(history, dim=1))


def _plan(given: Settings) -> list[tuple[int, int]]:
    """(size, steps) of each octave, the smallest first; the last has what is left of the steps."""
    each = given.steps // given.octaves
    sizes = [given.size // 2**octave for octave in reversed(range(given.octaves))]
    return [(size, each) for size in sizes[:-1]] + [(sizes[-1], given.steps - each * (given.octaves - 1))]

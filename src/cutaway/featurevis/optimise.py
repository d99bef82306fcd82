"""The loop: gradient ascent on a batch of pictures at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cutaway.core.seeds import generator
from cutaway.core.types import Pictures
from cutaway.featurevis.climbers import Climbers
from cutaway.featurevis.judge import Judge, fitted, judge
from cutaway.featurevis.settings import Settings
from cutaway.featurevis.terms import Held, Term
from cutaway.featurevis.transforms import DRAWS
from cutaway.nets.model import Model

WINDOW = 16
"""Steps over which scores, each under other transforms, are averaged before a picture is said to rise no more."""

FLAT = 0.01
"""Range of a picture's values under which it is a grey field."""

FINE, SILENT, BROKEN, GREY, DEAD = range(5)
"""What became of a picture: it rose; no gradient ever reached it; its gradient was not finite; a regularizer took all
that was in it; its score was 0 from first to last."""


@dataclass(frozen=True)
class Optimised:
    """Pictures and what became of them: `FINE`, `SILENT`, `BROKEN`, `GREY` or `DEAD` for each."""

    pictures: Pictures
    scores: Float[Tensor, " pictures"]
    history: Float[Tensor, "pictures steps"]
    outcomes: Int[Tensor, " pictures"]


def optimise(
    model: Model,
    objectives: Sequence[tuple[Term, ...]],
    given: Settings,
    salts: Sequence[str],
    start: Sequence[Held] = (),
    near: Sequence[Held] = (),
    progress: Callable[[int], None] = lambda steps: None,
) -> Optimised:
    """Pictures that raise these objectives, one each.

    Each starts from its own picture in `start`, or from noise, and is moved, by draws from the seed and its own salt:
    it does not depend on the others in the batch, unless the objective compares them. `near` are the pictures that
    they stay near, if they are to. Nothing beyond the deepest layer that an objective reads is computed. `progress` is
    called after each step with how many pictures are done with it.
    """
    judged = judge(model, objectives, given, near)
    begun, draws = _drawn(model, given, salts, start)
    reached, history = begun.clone(), torch.zeros(len(objectives), given.steps)
    climbers = Climbers.of(begun, given)
    for step in range(given.steps):
        rows = climbers.rows.tolist()
        scores = climbers.step(judged, draws[rows, step], given, step)
        history[rows, step:] = scores.cpu()[:, None]  # where a picture ends early, its last score stays
        progress(len(rows))
        done = _risen(history[rows, : step + 1], given.tolerance)
        if done.all() if judged.read.joint or given.form().together else done.any():
            reached[rows] = climbers.numbers.detach()
            progress(int(done.sum()) * (given.steps - step - 1))
            climbers = climbers.without(done)
            rows = climbers.rows.tolist()
            if not rows:
                break
            judged = judge(model, [objectives[row] for row in rows], given, [near[row] for row in rows if near])
    reached[climbers.rows] = climbers.numbers.detach()
    return _finished(reached, begun, history, given, judge(model, objectives, given, near))


def _drawn(model: Model, given: Settings, salts: Sequence[str], start: Sequence[Held]) -> tuple[Tensor, Tensor]:
    """Each picture's numbers at the start, and what its transforms draw: (pictures, steps, moves, DRAWS)."""
    form, channels = given.form(), len(model.preprocess.mean)
    shape = (given.steps, len(given.transforms), DRAWS)
    draws = torch.stack([torch.rand(shape, generator=generator(given.seed, "transforms", salt)) for salt in salts])
    if start and form.write:
        return form.write(fitted(model, start, given.size)), draws.to(model.device)
    begun = [form.start(channels, given.size, generator(given.seed, "start", salt)) for salt in salts]
    return torch.stack(begun).to(model.device), draws.to(model.device)


def _risen(history: Float[Tensor, "pictures steps"], tolerance: int | float) -> Bool[Tensor, " pictures"]:
    """Which pictures rose, over the last steps, by less than this share of their score."""
    if tolerance == 0 or history.shape[1] < 2 * WINDOW:
        return torch.zeros(len(history), dtype=torch.bool)
    before, now = history[:, -2 * WINDOW :].unflatten(1, (2, WINDOW)).mean(dim=2).unbind(dim=1)
    still: Tensor = now - before < tolerance * now.abs()
    return still


@torch.no_grad()
def _finished(
    numbers: Tensor, begun: Tensor, history: Float[Tensor, "pictures steps"], given: Settings, judged: Judge
) -> Optimised:
    """The pictures as they are, scored without transforms; one that is not finite is put back to its start."""
    broken = ~numbers.flatten(1).isfinite().all(dim=1)
    silent = (numbers == begun).flatten(1).all(dim=1)
    whole = torch.where(broken.view(-1, *[1] * (numbers.ndim - 1)), begun, numbers)
    pictures = given.form().render(whole, given.size)
    scores, _ = judged(pictures, None, "float32")
    dead = (scores.cpu() == 0) & (history == 0).all(dim=1)
    outcomes = torch.full((len(begun),), FINE).masked_fill(dead, DEAD)
    if given.regularizers:
        flat = pictures.flatten(1)
        outcomes = outcomes.masked_fill((flat.amax(dim=1) - flat.amin(dim=1) < FLAT).cpu(), GREY)
    outcomes = outcomes.masked_fill(silent.cpu(), SILENT).masked_fill(broken.cpu(), BROKEN)
    return Optimised(pictures.float().cpu(), scores.cpu(), history, outcomes)

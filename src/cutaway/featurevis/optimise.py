"""The loop: gradient ascent on a batch of pictures at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cutaway.core.devices import autocast
from cutaway.core.errors import ForwardError
from cutaway.core.seeds import generator
from cutaway.core.types import Pictures
from cutaway.featurevis.awake import awake
from cutaway.featurevis.objectives import Term
from cutaway.featurevis.reader import Reader, reader
from cutaway.featurevis.settings import Settings
from cutaway.featurevis.transforms import DRAWS
from cutaway.nets.model import Model
from cutaway.trace import Trace, trace

WAKING = 16
"""Steps in which a picture whose score is not positive is helped through inactive ReLUs; later, only if its gradient
was zero."""

MOMENTA = (0.7, 0.99)
"""Of Adam; shorter memories than usual, because a picture moves far in few steps."""

FINE, SILENT, BROKEN = range(3)
"""What became of a picture: it rose; no gradient ever reached it; its gradient was not finite."""


@dataclass(frozen=True)
class Optimised:
    """Pictures and what became of them: `FINE`, `SILENT` or `BROKEN` for each."""

    pictures: Pictures
    scores: Float[Tensor, " pictures"]
    history: Float[Tensor, "pictures steps"]
    outcomes: Int[Tensor, " pictures"]


def optimise(
    model: Model,
    objectives: Sequence[tuple[Term, ...]],
    given: Settings,
    salts: Sequence[str],
    progress: Callable[[int], None] = lambda steps: None,
) -> Optimised:
    """Pictures that raise these objectives, one each.

    Each starts from noise, and is moved, by draws from the seed and its own salt: it does not depend on the others in
    the batch. Nothing beyond the deepest layer that an objective reads is computed. `progress` is called after each
    step with 1.
    """
    form, moves = given.form(), given.moves()
    read = reader(model, objectives)
    look = _look(model, read, given)
    start, draws = _drawn(model, given, salts, len(moves))
    numbers = start.clone().requires_grad_()
    adam = torch.optim.Adam([numbers], lr=form.rate, betas=MOMENTA, eps=1e-12, fused=numbers.device.type != "mps")
    history: list[Tensor] = []
    waking = True
    for step in range(given.steps):
        with torch.enable_grad(), awake() if waking else nullcontext():
            pictures = seen = form.render(numbers, given.size)
            for move, drawn in zip(moves, draws[:, step].unbind(dim=1), strict=True):
                seen = move(seen, drawn)
            scores = read(look(seen, given.precision))
            numbers.grad = _gradient(_charged(scores, pictures, given), numbers)
        adam.param_groups[0]["lr"] = form.rate * _cooling(step, given.steps)
        adam.step()
        history.append(scores.detach())
        silent = _zero(numbers.grad) | ((scores <= 0) & (step < WAKING))
        waking = bool(silent.any())
        progress(1)
    return _finished(numbers.detach(), start, torch.stack(history, 1), given, read, look)


def _drawn(model: Model, given: Settings, salts: Sequence[str], moves: int) -> tuple[Tensor, Tensor]:
    """Each picture's numbers at the start, and what its transforms draw: (pictures, steps, moves, DRAWS)."""
    channels = len(model.preprocess.mean)
    starts = [given.form().start(channels, given.size, generator(given.seed, "start", salt)) for salt in salts]
    shape = (given.steps, moves, DRAWS)
    draws = [torch.rand(shape, generator=generator(given.seed, "transforms", salt)) for salt in salts]
    return torch.stack(starts).to(model.device), torch.stack(draws).to(model.device)


def _look(model: Model, read: Reader, given: Settings) -> Callable[[Tensor, str], Trace]:
    """How the network looks at pictures: as they are, or resized to its own size where it refuses theirs, or that of
    the window through which they are seen while they move."""
    own = model.preprocess.shape[1:]

    def look(pictures: Tensor, precision: str) -> Trace:
        with autocast(model.device, precision):
            return trace(model, pictures.contiguous(memory_format=torch.channels_last), read.layers, logits=read.logits)

    def look_resized(pictures: Tensor, precision: str) -> Trace:
        if pictures.shape[2:] != own:
            pictures = F.interpolate(pictures, own, mode="bilinear", antialias=True, align_corners=False)
        return look(pictures, precision)

    whole = torch.full((1, len(model.preprocess.mean), given.size, given.size), 0.5, device=model.device)
    seen = whole
    for move in given.moves():
        seen = move(seen, torch.full((1, DRAWS), 0.5, device=model.device))
    strange = [pictures for pictures in (whole, seen) if pictures.shape[2:] != own]
    try:
        with torch.no_grad():
            for pictures in strange:
                look(pictures, "float32")
    except ForwardError:
        return look_resized
    return look if read.any_size or not strange else look_resized


def _charged(scores: Tensor, pictures: Tensor, given: Settings) -> Tensor:
    """What is minimised: the scores with the other sign, and the regularizers' charges, which are shares of them."""
    loss = -scores.sum()
    for regularizer, weight in given.charges():
        loss = loss + weight * (scores.detach().abs() * regularizer(pictures)).sum()
    return loss


def _gradient(loss: Tensor, numbers: Tensor) -> Tensor:
    """Zero where the loss does not depend on the numbers."""
    if not loss.requires_grad:
        return torch.zeros_like(numbers)
    found = torch.autograd.grad(loss, numbers, allow_unused=True)[0]
    return torch.zeros_like(numbers) if found is None else found


def _zero(values: Tensor) -> Bool[Tensor, " pictures"]:
    norms: Tensor = torch.linalg.vector_norm(values.flatten(1), dim=1)  # the fastest way to see it
    return norms == 0


def _like(rows: Bool[Tensor, " pictures"], values: Tensor) -> Bool[Tensor, "pictures ..."]:
    """One answer for each picture, in a shape that broadcasts with the values."""
    return rows.view(-1, *[1] * (values.ndim - 1))


def _cooling(step: int, steps: int) -> float:
    """Half a cosine, from 1 to nearly 0: forms are found in large steps, and finished in small ones."""
    return 0.5 + 0.5 * math.cos(math.pi * step / steps)


@torch.no_grad()
def _finished(
    numbers: Tensor,
    start: Tensor,
    history: Float[Tensor, "pictures steps"],
    given: Settings,
    read: Reader,
    look: Callable[[Tensor, str], Trace],
) -> Optimised:
    """The pictures as they are, scored without transforms; one that is not finite is put back to its start."""
    broken = ~numbers.flatten(1).isfinite().all(dim=1)
    silent = (numbers == start).flatten(1).all(dim=1)
    whole = torch.where(_like(broken, start), start, numbers)
    pictures = given.form().render(whole, given.size)
    outcomes = torch.full((len(start),), FINE).masked_fill(silent.cpu(), SILENT).masked_fill(broken.cpu(), BROKEN)
    scores = read(look(pictures, "float32"))
    return Optimised(pictures.float().cpu(), scores.cpu(), history.cpu(), outcomes)

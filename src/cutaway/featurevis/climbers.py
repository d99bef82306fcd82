"""Climbers: the pictures of a batch that still rise, and one step of all of them."""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from cutaway.core.types import Pictures
from cutaway.featurevis.awake import awake
from cutaway.featurevis.edits import Edit
from cutaway.featurevis.judge import Judge
from cutaway.featurevis.relations import Scores
from cutaway.featurevis.settings import Settings

WAKING = 16
"""Steps in which a picture whose score is not positive is helped through inactive ReLUs; later, only if its gradient
was zero."""

MOMENTA = (0.7, 0.99)
"""Of Adam; shorter memories than usual, because a picture moves far in few steps."""


class Climbers:
    """The numbers of some pictures, with the optimiser's memory of each. rows: which pictures of the batch they are."""

    def __init__(self, numbers: Tensor, rows: Int[Tensor, " pictures"], rate: int | float) -> None:
        self.numbers, self.rows, self.rate = numbers.detach().clone().requires_grad_(), rows, rate
        fused = self.numbers.device.type != "mps"
        self._adam = torch.optim.Adam([self.numbers], lr=rate, betas=MOMENTA, eps=1e-12, fused=fused)
        self._asleep = True

    @classmethod
    def of(cls, numbers: Tensor, given: Settings) -> Climbers:
        """All pictures of a batch, at their start."""
        return cls(numbers, torch.arange(len(numbers), device=numbers.device), given.form().rate * given.rate)

    def without(self, done: Bool[Tensor, " pictures"]) -> Climbers:
        """Those that are not done, as if they had always been by themselves."""
        kept = ~done.to(self.rows.device)
        fewer = Climbers(self.numbers[kept], self.rows[kept], self.rate)
        memory = self._adam.state[self.numbers]
        fewer._adam.state[fewer.numbers] = {name: v[kept] if v.ndim else v for name, v in memory.items()}
        fewer._asleep = self._asleep
        return fewer

    def step(self, judged: Judge, draws: Tensor, given: Settings, step: int) -> Scores:
        """One step of all, with edits where it is their time; the scores before it."""
        with torch.enable_grad(), awake() if self._asleep else nullcontext():
            pictures = given.form().render(self.numbers, given.size)
            scores, nearness = judged(pictures, draws, given.precision)
            loss = _charged(scores, nearness, pictures, given)
            self.numbers.grad, by_pixel = _gradients(loss, self.numbers, pictures if given.edits() else None)
        self._adam.param_groups[0]["lr"] = self.rate * _cooling(step, given.steps)
        self._adam.step()
        if by_pixel is not None:
            self._edit(by_pixel, given, step)
        self._asleep = bool((_zero(self.numbers.grad) | ((scores <= 0) & (step < WAKING))).any())
        return scores.detach()

    @torch.no_grad()
    def _edit(self, by_pixel: Pictures, given: Settings, step: int) -> None:
        form = given.form()
        due: list[tuple[Edit, int | float]] = [(edit, w) for edit, w in given.edits() if (step + 1) % edit.every == 0]
        if due and form.write:
            pictures = form.render(self.numbers, given.size)
            for edit, weight in due:
                pictures = edit.apply(pictures, by_pixel, weight)
            self.numbers.copy_(form.write(pictures))


def _charged(scores: Scores, nearness: Scores | None, pictures: Pictures, given: Settings) -> Tensor:
    """What is minimised: the scores with the other sign, and all charges, which are shares of them."""
    loss, unit = -scores.sum(), scores.detach().abs()
    for charge, weight in given.charges():
        loss = loss + weight * (unit * charge(pictures)).sum()
    if nearness is not None and given.near:
        loss = loss - given.near[1] * (unit * nearness).sum()
    return loss


def _gradients(loss: Tensor, numbers: Tensor, pictures: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """By the numbers and by the pixels, if they are asked for; zero where the loss does not depend on them."""
    wanted = [numbers] if pictures is None else [numbers, pictures]
    found = torch.autograd.grad(loss, wanted, allow_unused=True) if loss.requires_grad else [None] * len(wanted)
    first, *rest = [torch.zeros_like(by) if g is None else g for g, by in zip(found, wanted, strict=True)]
    return first, rest[0] if rest else None


def _zero(values: Tensor) -> Bool[Tensor, " pictures"]:
    norms: Tensor = torch.linalg.vector_norm(values.flatten(1), dim=1)  # the fastest way to see it
    return norms == 0


def _cooling(step: int, steps: int) -> float:
    """Half a cosine, from 1 to nearly 0: forms are found in large steps, and finished in small ones."""
    return 0.5 + 0.5 * math.cos(math.pi * step / steps)

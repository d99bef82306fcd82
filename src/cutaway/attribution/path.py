"""The straight line from a baseline to an input, and what each step on it adds to the score."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.attribution.quadrature import Positions
from cutaway.attribution.scores import Answer, Forward, Inputs, gradients


@dataclass(frozen=True)
class Path:
    """Per input, the way from its baseline (`start`) to itself (`end`), and the classes whose score is followed."""

    forward: Forward
    start: Inputs
    end: Inputs
    asked: Answer

    def shares(self, rows: Int[Tensor, " n"], positions: Positions) -> tuple[Inputs, Float[Tensor, " n"]]:
        """At one position (0 = baseline, 1 = input) on the way to each input in `rows`: the gradient times the way,
        which adds up to the slope of the score, and the score."""
        found, score = self.slopes(rows, positions)
        return found.mul_(self.end[rows] - self.start[rows]), score

    def slopes(self, rows: Int[Tensor, " n"], positions: Positions) -> tuple[Inputs, Float[Tensor, " n"]]:
        """The gradient at one position on the way to each input in `rows`, and the score."""
        along = column(torch.as_tensor(positions).to(self.end), self.end)
        against = None if self.asked.versus is None else self.asked.versus[rows]
        ways = rows[:1] if bool((rows == rows[0]).all()) else rows  # points of one input are spread from it
        points = torch.lerp(self.start[ways], self.end[ways], along)
        found, answer = gradients(self.forward, points, self.asked.target[rows], against, spare=True)
        return found, answer.score


def column(numbers: Float[Tensor, " n"], inputs: Inputs) -> Tensor:
    """One number per input, shaped to multiply a batch of such inputs."""
    return numbers.reshape(-1, *[1] * (inputs.ndim - 1))


def total(values: Inputs) -> Float[Tensor, " batch"]:
    """The sum of all values of each input, in double precision where the device has it."""
    precise = torch.float32 if values.device.type == "mps" else torch.float64
    return values.reshape(len(values), -1).sum(dim=1, dtype=precise)

"""What metrics ask of a network: the score or the probability of a class, without gradients."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cutaway.attribution import Forward
from cutaway.attribution.scores import Inputs, plain, portions
from cutaway.core.types import Logits
from cutaway.nets.model import Model
from cutaway.nets.outputs import scores_of

CHUNK = 64  # inputs that share a pass where nothing is said


def scores(model: Forward, inputs: Inputs, batch_size: int | None = None) -> Logits:
    """All scores of a batch of inputs, a few at a time."""
    found = []
    with plain(model, inputs), torch.no_grad():
        for some, _, _ in portions(inputs, None, None, batch_size or CHUNK):
            found.append(scores_of(model(some.clone()), len(some), "the network"))
    return torch.cat(found)


def score(
    model: Forward, inputs: Inputs, target: Int[Tensor, " batch"], batch_size: int | None = None
) -> Float[Tensor, " batch"]:
    """The score of each input's class."""
    return scores(model, inputs, batch_size).gather(1, target.to(inputs.device)[:, None])[:, 0]


def probability(
    model: Forward, inputs: Inputs, target: Int[Tensor, " batch"], batch_size: int | None = None
) -> Float[Tensor, " batch"]:
    """The probability of each input's class: a softmax, or a sigmoid where classes do not exclude each other."""
    found = scores(model, inputs, batch_size)
    alone = found.shape[1] == 1 or (isinstance(model, Model) and model.multilabel)
    likely = found.sigmoid() if alone else found.softmax(dim=1)
    return likely.gather(1, target.to(likely.device)[:, None])[:, 0]

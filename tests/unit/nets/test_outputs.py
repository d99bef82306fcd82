"""Outputs: scores are found in whatever a network returns."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from cutaway.core.errors import ModelError
from cutaway.nets.outputs import first_tensor, scores_of, with_first_tensor

Pair = namedtuple("Pair", "hidden logits")


@dataclass
class Record:
    loss: Tensor | None
    logits: Tensor


SCORES, OTHER = torch.rand(4, 3), torch.rand(4, 7)


@pytest.mark.parametrize(
    "output",
    [
        SCORES,
        (SCORES, OTHER),
        [SCORES],
        {"logits": SCORES, "hidden": OTHER},
        OrderedDict(hidden=OTHER, logits=SCORES),
        Record(None, SCORES),
        Pair(hidden=OTHER, logits=SCORES),
        (None, (SCORES, OTHER)),
        SCORES[:, :, None, None],
    ],
)
def test_scores_are_found(output: object) -> None:
    assert torch.equal(scores_of(output, 4), SCORES)


def test_one_score_for_each_picture_is_one_class() -> None:
    assert scores_of(torch.rand(4), 4).shape == (4, 1)


@pytest.mark.parametrize("output", [torch.rand(5, 3), torch.rand(4, 3, 2), torch.rand(4, 0), "text", (), None])
def test_what_holds_no_scores_is_refused(output: object) -> None:
    with pytest.raises(ModelError, match=r"net answered .*; expected scores of shape \(batch, classes\)"):
        scores_of(output, 4, "net")


@pytest.mark.parametrize(
    "output",
    [SCORES, (SCORES, OTHER), [None, SCORES], {"a": SCORES, "b": 1}, Record(None, SCORES), Pair(SCORES, OTHER)],
)
def test_the_first_tensor_is_replaced_and_all_else_kept(output: object) -> None:
    changed = with_first_tensor(output, OTHER)
    assert type(changed) is type(output)
    assert first_tensor(changed) is OTHER
    assert first_tensor(output) is SCORES
    if isinstance(output, tuple):
        assert changed[1] is output[1]

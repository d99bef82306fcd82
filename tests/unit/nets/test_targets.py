"""Targets: a class by index, label, one for each picture, or the predicted one."""

from __future__ import annotations

import pytest
import torch

from cutaway.core.errors import TargetError
from cutaway.nets.targets import label_index, target_indices

LABELS = ("tench, Tinca tinca", "Crane", "crane", "maillot", "maillot", "7")
SCORES = torch.tensor([[0.0, 1.0, 5.0, 0.0, 0.0, 0.0], [3.0, 1.0, 0.0, 0.0, 0.0, 0.0]])


def test_every_way_to_say_a_class() -> None:
    assert target_indices(None, SCORES).tolist() == [2, 0]
    assert target_indices(4, SCORES).tolist() == [4, 4]
    assert target_indices(torch.tensor([1, 3]), SCORES).tolist() == [1, 3]
    assert target_indices([1, 3], SCORES).tolist() == [1, 3]
    assert target_indices(torch.tensor(3), SCORES).tolist() == [3, 3]
    assert target_indices("Tinca tinca", SCORES, LABELS).tolist() == [0, 0]


def test_an_exact_label_wins_over_letter_case() -> None:
    assert label_index("crane", LABELS, 6) == 2
    assert label_index("Crane", LABELS, 6) == 1
    assert label_index(" TENCH ", LABELS, 6) == 0


def test_a_number_that_is_a_label_is_that_label() -> None:
    assert label_index("7", LABELS, 6) == 5
    assert label_index("3", LABELS, 6) == 3


def test_an_ambiguous_label_lists_its_indices() -> None:
    with pytest.raises(TargetError, match=r'"maillot" is the label of 2 classes \(3, 4\); expected one; try the index'):
        label_index("maillot", LABELS, 6)
    with pytest.raises(TargetError, match=r"2 classes \(1, 2\)"):
        label_index("CRANE", LABELS, 6)


def test_an_unknown_label_names_the_nearest() -> None:
    with pytest.raises(TargetError, match='no class "malliot"; expected one of 6 labels; did you mean "maillot"'):
        label_index("malliot", LABELS, 6)
    with pytest.raises(TargetError, match="the model has no labels; expected an index from 0 to 5"):
        label_index("crane", None, 6)


@pytest.mark.parametrize("target", [6, -1, torch.tensor([0, 6])])
def test_a_class_that_there_is_not(target: object) -> None:
    with pytest.raises(TargetError, match="expected an index from 0 to 5"):
        target_indices(target, SCORES)  # type: ignore[arg-type]


def test_as_many_targets_as_pictures() -> None:
    with pytest.raises(TargetError, match=r"target has shape \(3,\); expected one class index for each of 2 pictures"):
        target_indices(torch.tensor([0, 1, 2]), SCORES)

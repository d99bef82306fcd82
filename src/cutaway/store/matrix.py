"""The matrix of units x subsets (ActiVis, Kahng et al. 2018), summed in one pass over the shards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64

from cutaway.store.plan import Plan

FEW = 0.25
"""Share of a shard's pictures below which copying them costs less than reading all."""


@dataclass(frozen=True)
class Matrix:
    """Units x subsets: each unit's mean over the pictures of each subset, in activations. counts: pictures in each."""

    layer: str
    names: tuple[str, ...]
    counts: tuple[int, ...]
    values: Float32[np.ndarray, "channels subsets"]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)


def subset_sums(
    plan: Plan,
    layer: int,
    blocks: Sequence[Callable[[], np.ndarray]],
    subsets: Sequence[Int64[np.ndarray, " _"]],
    whole: bool,
) -> Float32[np.ndarray, "subsets channels"]:
    """The sum of each unit's values over each subset. blocks: each shard's values; whole: none of them is NaN."""
    members = np.zeros((len(subsets), plan.count), dtype=np.float32)
    for row, numbers in enumerate(subsets):
        members[row, numbers] = 1
    sums = torch.zeros(len(subsets), plan.layers[layer].channels)
    for shard, read in enumerate(blocks if len(subsets) else ()):
        span = plan.span(shard)
        share = members[:, span.start : span.stop]
        used = np.flatnonzero(share.any(axis=0))
        if not len(used):
            continue
        block = read()
        if not whole or len(used) < FEW * len(block):
            block, share = block[used], share[:, used]
        sums += torch.from_numpy(np.ascontiguousarray(share)) @ torch.from_numpy(np.asarray(block))
    return sums.numpy()

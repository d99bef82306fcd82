"""What a data set is: a sequence of samples with class labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """One picture with what is known about it.

    `key` names it for good (a path or an index); `picture` is in [0, 1] at its own size; `masks` and `parts`
    (points in pixels, x then y) are named; `extra` holds whatever else the source knows (attributes, the scene).
    """

    key: str
    picture: Float[Tensor, "channels height width"]
    label: int | None = None
    captions: tuple[str, ...] = ()
    masks: Mapping[str, Bool[np.ndarray, "height width"]] = field(default_factory=dict)
    parts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Dataset(Protocol):
    """A finite sequence of samples; `labels[sample.label]` is a sample's class in words."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...

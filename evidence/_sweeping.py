"""Data sets and timed sweeps, for evidence about the store."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _evidence import SHARED

from cutaway.data.dataset import Dataset, Sample
from cutaway.nets import Model
from cutaway.store import Store, sweep

CIFAR = f"cifar10:{SHARED / 'data' / 'cifar10'}"


@dataclass(frozen=True)
class Repeated:
    """A data set over and over, from picture `start` on, `count` pictures long."""

    inner: Dataset
    start: int
    count: int

    @property
    def labels(self) -> tuple[str, ...]:
        return self.inner.labels

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int, /) -> Sample:
        return self.inner[(self.start + index) % len(self.inner)]

    def file(self, index: int) -> Path | None:
        ask = getattr(self.inner, "file", None)
        return ask((self.start + index) % len(self.inner)) if ask else None


@dataclass(frozen=True)
class Joined:
    """Two data sets, one after the other."""

    first: Dataset
    second: Dataset

    @property
    def labels(self) -> tuple[str, ...]:
        return self.first.labels

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, index: int, /) -> Sample:
        return self.first[index] if index < len(self.first) else self.second[index - len(self.first)]


def swept(model: Model, data: Dataset, folder: Path, **options: Any) -> tuple[float, Store]:
    started = time.perf_counter()
    store = sweep(model, data, folder, **options)
    return time.perf_counter() - started, store

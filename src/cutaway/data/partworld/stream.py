"""Samples of a data set in order, made on several cores: for training and sweeps, where one core can't keep up."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

from cutaway.core.errors import OptionError
from cutaway.data.dataset import Dataset, Sample

T = TypeVar("T")


def stream(dataset: Dataset, keep: Callable[[Sample], T], workers: int = 2, chunk: int = 32) -> Iterator[T]:
    """What `keep` makes of each sample, in order; equal for any number of workers and any chunk.

    `keep` runs beside the rendering, so what it drops is never sent between processes; with `workers` > 0 it and the
    data set must be picklable. At most a few chunks are in flight, so memory does not grow with the length.
    """
    if workers < 0 or chunk < 1:
        raise OptionError(f"{workers} workers and chunks of {chunk}; expected at least 0 and 1; try workers=2")
    spans = [range(start, min(start + chunk, len(dataset))) for start in range(0, len(dataset), chunk)]
    if workers == 0:
        for span in spans:
            yield from _make(dataset, keep, span)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting: deque[Future[list[T]]] = deque()
        for span in spans:
            waiting.append(pool.submit(_make, dataset, keep, span))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _make(dataset: Dataset, keep: Callable[[Sample], T], span: Sequence[int]) -> list[T]:
    return [keep(dataset[index]) for index in span]

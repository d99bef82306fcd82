"""Things made one by one by their number, in order, on several cores: for training and sweeps."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

from cutaway.core.errors import OptionError

T = TypeVar("T")


def stream(make: Callable[[int], T], count: int, workers: int = 2, chunk: int = 64) -> Iterator[T]:
    """`make(0)`, `make(1)`, ... `make(count - 1)`: equal for any number of workers and any chunk.

    `stream(world.__getitem__, len(world))` gives samples; a function that keeps less sends less between processes, and
    with `workers` > 0 it must be picklable. A few chunks are in flight, so memory does not grow with the count.
    """
    if workers < 0 or chunk < 1:
        raise OptionError(f"{workers} workers and chunks of {chunk}; expected at least 0 and 1; try workers=2")
    spans = [range(start, min(start + chunk, count)) for start in range(0, count, chunk)]
    if workers == 0:
        yield from map(make, range(count))
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting: deque[Future[list[T]]] = deque()
        for span in spans:
            waiting.append(pool.submit(_make, make, span))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _make(make: Callable[[int], T], span: Sequence[int]) -> list[T]:
    return [make(index) for index in span]

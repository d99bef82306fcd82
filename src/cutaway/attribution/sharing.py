"""Sharing: one pass through the network for several questions about the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")


class Tape:
    """The results of passes in their order: computed the first time, handed out again after `rewind`."""

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self._next = 0

    def rewind(self) -> None:
        """From here on, results are those from the start again."""
        self._next = 0

    def play(self, compute: Callable[[], T]) -> T:
        """The next result; computed if there is none yet."""
        if self._next == len(self._kept):
            self._kept.append(compute())
        self._next += 1
        result: T = self._kept[self._next - 1]
        return result


_tape: ContextVar[Tape | None] = ContextVar("tape", default=None)


@contextmanager
def tape() -> Iterator[Tape]:
    """While it lasts, passes are shared by all who ask for the same ones in the same order."""
    running = Tape()
    token = _tape.set(running)
    try:
        yield running
    finally:
        _tape.reset(token)


def sharing() -> bool:
    """Whether a tape runs, so that what a pass needs for its gradient has to be kept."""
    return _tape.get() is not None


def shared(compute: Callable[[], T]) -> T:
    """What `compute` answers, or answered at this point of the tape."""
    running = _tape.get()
    return compute() if running is None else running.play(compute)

"""Random numbers for scenes and captions, from a seed, the same on any machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Draws:
    """Uniform numbers, drawn in blocks and handed out one by one: one draw of numpy costs as much as a hundred."""

    def __init__(self, *seeds: int) -> None:
        self._generator = np.random.default_rng(seeds)
        self._numbers: Iterator[float] = iter(())

    def number(self) -> float:
        """The next number in [0, 1)."""
        for number in self._numbers:
            return number
        self._numbers = iter(self._generator.random(256).tolist())
        return next(self._numbers)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number between two, rounded to four digits so that scenes read well as JSON."""
        return round(low + (high - low) * self.number(), 4)

    def chance(self, share: float) -> bool:
        """True in this share of draws."""
        return self.number() < share

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each as likely."""
        return options[int(self.number() * len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """The options in a drawn order."""
        order = sorted(range(len(options)), key=[self.number() for _ in options].__getitem__)
        return [options[i] for i in order]

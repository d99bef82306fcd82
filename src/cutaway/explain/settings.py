"""The settings of an explanation: all that its numbers depend on beside the picture, the network and the question."""

from __future__ import annotations

from dataclasses import dataclass

from cutaway.blocks.icons import STEPS


@dataclass(frozen=True)
class Settings:
    """layer: where to look inside (None = nowhere). steps: of each visualization. batch_size: pictures at once.

    channels, places, words, likeliest: how many channels are shown on each side, how many places are framed, how many
    channels spell a place, how many classes are listed.
    """

    layer: str | None
    seed: int = 0
    steps: int = STEPS
    batch_size: int | None = None
    channels: int = 6
    places: int = 6
    words: int = 4
    likeliest: int = 5

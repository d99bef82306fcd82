"""The tensors that travel through the house, and the unit: one channel of one layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

from cutaway.core.errors import LayerError

Picture: TypeAlias = Float[Tensor, "channels height width"]
"""One picture, float32 in [0, 1]."""

Pictures: TypeAlias = Float[Tensor, "batch channels height width"]
"""A batch of pictures of one size."""

Logits: TypeAlias = Float[Tensor, "batch classes"]
"""The scores of a classifier before any softmax."""


@dataclass(frozen=True, order=True)
class Unit:
    """One channel of one layer, written `layer:channel`.

    The layer's name may hold colons and `#k` (its k-th call); the channel is what follows the last colon.
    """

    layer: str
    channel: int

    @classmethod
    def parse(cls, text: str | Unit) -> Unit:
        """Read `layer:channel`; a LayerError where there is no channel."""
        if isinstance(text, Unit):
            return text
        layer, _, channel = text.rpartition(":")
        if not layer or not channel.isdigit():
            raise LayerError(f'"{text}" is no unit; expected layer:channel; try "{text.rstrip(":")}:0"')
        return cls(layer, int(channel))

    def __str__(self) -> str:
        return f"{self.layer}:{self.channel}"

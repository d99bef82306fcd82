"""Terms: the addends that objectives are made of, as plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from cutaway.core.cache import hash_tensors
from cutaway.core.types import Picture
from cutaway.trace import Trace

TraceFunction = Callable[[Trace], Tensor]
"""Of a trace with one picture in it, one number. It may read any layer, and the logits."""

JOINT = frozenset({"diversity", "alignment"})
"""Kinds of terms that compare the pictures of one objective with each other, which so have to be made at once."""

ANCHORED = frozenset({"caricature", "inversion"})
"""Kinds of terms that compare a picture with a given one."""


@dataclass(frozen=True)
class Held:
    """A given picture, in [0, 1], known by its hash."""

    picture: Picture = field(compare=False, repr=False)
    digest: str

    @classmethod
    def of(cls, picture: Tensor) -> Held:
        """This picture, kept apart from what becomes of the tensor."""
        kept = picture.detach().float().cpu().clone()
        return cls(kept, hash_tensors({"picture": kept}))


@dataclass(frozen=True)
class Term:
    """One addend of one picture's objective: `weight` times what the reading of this kind says of a layer.

    values: what the reading needs beside the layer, as plain data. picture: the one it compares with, if it does.
    function: the user's own, where kind is "function".
    """

    kind: str
    layer: str = ""
    values: tuple[int | float | str, ...] = ()
    weight: float = 1.0
    picture: Held | None = None
    function: TraceFunction | None = None

    def plain(self) -> list[object] | None:
        """All that it depends on, for a cache; None where that is a function, which nobody can write down."""
        if self.function:
            return None
        held = [self.picture.digest] if self.picture else []
        return [self.kind, self.layer, [*self.values, *held], self.weight]

    def __str__(self) -> str:
        values = ", ".join(map(str, self.values))
        match self.kind:
            case "unit":
                named = f"{self.layer}:{values}"
            case "neuron":
                named = f"neuron({self.layer}:{values})"
            case _:
                named = f"{self.kind}({self.layer or values})"
        return named if self.weight == 1 else f"{self.weight:g} {named}"

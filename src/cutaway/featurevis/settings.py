"""Settings: how pictures are made, checked; what can be written down of them names them in the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

import torch

from cutaway.core.devices import PRECISIONS, fast_bfloat16
from cutaway.core.errors import OptionError, choose
from cutaway.featurevis.parameterizations import PARAMETERIZATIONS, Parameterization
from cutaway.featurevis.regularizers import REGULARIZERS, Regularizer
from cutaway.featurevis.transforms import TRANSFORMS, Transform

T = TypeVar("T")

SIZES = (16, 2048)
"""Least and greatest side of a picture, in pixels."""

TransformChoice: TypeAlias = "str | Transform | Sequence[str | Transform]"
RegularizerChoice: TypeAlias = "Sequence[str | Regularizer | tuple[str | Regularizer, float]]"


@dataclass(frozen=True)
class Settings:
    """How pictures are made: by name, or with functions of the user's own."""

    size: int
    steps: int
    parameterization: str | Parameterization
    transforms: tuple[str | Transform, ...]
    regularizers: tuple[tuple[str | Regularizer, float], ...]
    seed: int
    precision: str

    def form(self) -> Parameterization:
        """The parameterization; an OptionError for an unknown name, as in the two below."""
        return _found(self.parameterization, PARAMETERIZATIONS, "parameterization")

    def moves(self) -> list[Transform]:
        """The transforms, in order."""
        return [_found(each, TRANSFORMS, "transform") for each in self.transforms]

    def charges(self) -> list[tuple[Regularizer, float]]:
        """The regularizers with their weights."""
        return [(_found(each, REGULARIZERS, "regularizer"), weight) for each, weight in self.regularizers]

    def plain(self) -> dict[str, object] | None:
        """All of it as plain data; None where a function takes part, which nobody can write down."""
        chosen = [self.parameterization, *self.transforms, *(each for each, _ in self.regularizers)]
        if not all(isinstance(each, str) for each in chosen):
            return None
        return {**vars(self), "transforms": list(self.transforms), "regularizers": list(map(list, self.regularizers))}


def settings(
    device: torch.device,
    *,
    size: int,
    steps: int,
    parameterization: str | Parameterization,
    transforms: TransformChoice,
    regularizers: RegularizerChoice,
    seed: int,
    precision: str,
) -> Settings:
    """The settings, checked; an OptionError for what is out of range or not in its table."""
    _in_range("size", size, *SIZES)
    _in_range("steps", steps, 1, 1_000_000)
    choose(precision, PRECISIONS, "precision")
    single = isinstance(transforms, str) or callable(transforms)
    given = Settings(
        size=size,
        steps=steps,
        parameterization=parameterization,
        transforms=(cast("str | Transform", transforms),) if single else tuple(cast("Sequence[str]", transforms)),
        regularizers=tuple(each if isinstance(each, tuple) else (each, 1.0) for each in regularizers),
        seed=seed,
        precision=("bfloat16" if fast_bfloat16(device.type) else "float32") if precision == "auto" else precision,
    )
    given.form(), given.moves(), given.charges()
    return given


def _found(choice: str | T, table: Mapping[str, T], what: str) -> T:
    return table[choose(choice, table, what)] if isinstance(choice, str) else choice


def _in_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise OptionError(f"{name} is {value}; expected {low} to {high:,}; try {min(max(value, low), high)}")

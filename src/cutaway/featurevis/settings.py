"""Settings: how pictures are made, checked; what can be written down of them names them in the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

import torch

from cutaway.core.devices import PRECISIONS, fast_bfloat16
from cutaway.core.errors import OptionError, choose
from cutaway.featurevis.edits import Edit
from cutaway.featurevis.parameterizations import PARAMETERIZATIONS, Parameterization
from cutaway.featurevis.regularizers import REGULARIZERS, Charge, Regularizer
from cutaway.featurevis.transforms import TRANSFORMS, Transform

T = TypeVar("T")

SIZES = (16, 2048)
"""Least and greatest side of a picture, in pixels."""

TransformChoice: TypeAlias = "str | Transform | Sequence[str | Transform]"
RegularizerChoice: TypeAlias = "Sequence[str | Regularizer | tuple[str | Regularizer, int | float]]"


@dataclass(frozen=True)
class Settings:
    """How pictures are made: by name, or with functions of the user's own. The options of `visualize`."""

    size: int
    steps: int
    parameterization: str | Parameterization
    transforms: tuple[str | Transform, ...]
    regularizers: tuple[tuple[str | Regularizer, int | float], ...]
    rate: int | float
    octaves: int
    tolerance: int | float
    near: tuple[str, int | float] | None
    seed: int
    precision: str

    def form(self) -> Parameterization:
        """The parameterization; an OptionError for an unknown name, as in the ones below."""
        return _found(self.parameterization, PARAMETERIZATIONS, "parameterization")

    def moves(self) -> list[Transform]:
        """The transforms, in order."""
        return [_found(each, TRANSFORMS, "transform") for each in self.transforms]

    def charges(self) -> list[tuple[Charge, int | float]]:
        """What pictures are charged for, with weights."""
        return [(each, weight) for each, weight in self._regularizers() if not isinstance(each, Edit)]

    def edits(self) -> list[tuple[Edit, int | float]]:
        """What is done to pictures between steps, with weights, in order."""
        return [(each, weight) for each, weight in self._regularizers() if isinstance(each, Edit)]

    def _regularizers(self) -> list[tuple[Regularizer, int | float]]:
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
    parameterization: str | Parameterization = "fourier",
    transforms: TransformChoice = "standard",
    regularizers: RegularizerChoice = (),
    rate: int | float = 1.0,
    octaves: int = 1,
    tolerance: int | float = 0.0,
    near: str | tuple[str, int | float] | None = None,
    seed: int = 0,
    precision: str = "auto",
) -> Settings:
    """The settings, checked; an OptionError for what is out of range or not in its table."""
    _in_range("size", size, *SIZES)
    _in_range("steps", steps, 1, 1_000_000)
    _in_range("octaves", octaves, 1, max(1, min(steps, (size // SIZES[0]).bit_length())))
    _in_range("tolerance", tolerance, 0, 1)
    _in_range("rate", rate, 0, 1000)
    choose(precision, PRECISIONS, "precision")
    single = isinstance(transforms, str) or callable(transforms)
    given = Settings(
        size=size,
        steps=steps,
        parameterization=parameterization,
        transforms=(cast("str | Transform", transforms),) if single else tuple(cast("Sequence[str]", transforms)),
        regularizers=tuple(_weighted(each) for each in regularizers),
        rate=rate,
        octaves=octaves,
        tolerance=tolerance,
        near=(near, 1.0) if isinstance(near, str) else near,
        seed=seed,
        precision=("bfloat16" if fast_bfloat16(device.type) else "float32") if precision == "auto" else precision,
    )
    given.moves(), given.charges()
    _in_step(given)
    return given


def _in_step(given: Settings) -> None:
    """What is asked of the parameterization is in its power."""
    if given.form().write is None and (given.edits() or given.octaves > 1):
        asked = "octaves" if given.octaves > 1 else "regularizers that change pictures between steps"
        ways = ", ".join(name for name, form in PARAMETERIZATIONS.items() if form.write)
        raise OptionError(
            f'parameterization "{given.parameterization}" and {asked}, for which pictures have to be written back; '
            f'expected one of {ways}; try "fourier"'
        )
    for edit, weight in given.edits():
        _in_range("a regularizer's weight", weight, 0, edit.most)


def _weighted(
    given: str | Regularizer | tuple[str | Regularizer, int | float],
) -> tuple[str | Regularizer, int | float]:
    if isinstance(given, tuple):
        return given
    found = _found(given, REGULARIZERS, "regularizer")
    return given, found.usual if isinstance(found, Edit) else 1.0


def _found(choice: str | T, table: Mapping[str, T], what: str) -> T:
    return table[choose(choice, table, what)] if isinstance(choice, str) else choice


def _in_range(name: str, value: int | float, low: int | float, high: int | float) -> None:
    if not low <= value <= high:
        raise OptionError(f"{name} is {value}; expected {low} to {high:,}; try {min(max(value, low), high)}")

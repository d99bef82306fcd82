"""The table of metrics: for each its direction, what a blind map reaches, what it needs, and how it is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from torch import Tensor

from cutaway.attribution import Attribution
from cutaway.core.errors import DataError, ModelError, OptionError
from cutaway.core.types import Pictures
from cutaway.data.partworld import Scene
from cutaway.metrics import axioms, faithfulness, legibility, localization, part_removal, perturbed, sanity
from cutaway.metrics.maps import Method, method_of, name_of_method
from cutaway.metrics.measured import Measured, mean_of
from cutaway.metrics.removals import Removals
from cutaway.metrics.slopes import READINGS
from cutaway.nets.model import Model

MOSAICS = 40  # mosaics that a metric lays out from the pictures of a trial


@dataclass(frozen=True)
class Case:
    """What metrics are measured on: a model, pictures of its size, and what is known of them.

    labels: the model's classes; masks: True where the thing is that the label names; scenes: PartWorld's, one for each
    picture, unbiased or not.
    """

    model: Model
    pictures: Pictures
    labels: Int[Tensor, " batch"] | None = None
    masks: Bool[Tensor, "batch height width"] | None = None
    scenes: tuple[Scene, ...] | None = None
    seed: int = 0
    batch_size: int | None = None
    known: dict[Any, Attribution] = field(default_factory=dict)

    @cached_property
    def removals(self) -> Removals:
        """The model's answers to the scenes without their items."""
        if self.scenes is None:
            raise DataError("no scenes; expected PartWorld's; try --data partworld:40?split=test")
        return Removals(self.model, self.scenes, self.pictures.shape[-1])

    def remembered(self, method: Method) -> Callable[..., Attribution]:
        """The method, which computes the maps of these pictures for the model's answers once for all metrics."""
        compute, name = method_of(method), name_of_method(method)

        def once(forward: Any, inputs: Tensor, target: Any = None, **options: Any) -> Attribution:
            if forward is not self.model or inputs is not self.pictures or target is not None:
                return compute(forward, inputs, target, **options)
            if name not in self.known:
                self.known[name] = compute(forward, inputs, target, **options)
            return self.known[name]

        once.__name__ = name
        return once


Measure = Callable[[Case, Callable[..., Attribution]], Measured]


@dataclass(frozen=True)
class Metric:
    """One metric: what it says, whether higher is better, what a blind map reaches (None = it depends), its needs."""

    says: str
    higher: bool
    measure: Measure
    blind: float | None = None
    needs: tuple[str, ...] = ()

    def lacks(self, case: Case) -> tuple[str, ...]:
        """What it needs and the case does not have."""
        return tuple(need for need in self.needs if getattr(case, need) is None)


def _common(function: Callable[..., Measured], *known: str) -> Measure:
    """A metric of (model, method, pictures, ...) whose further arguments are what is known of the pictures."""

    def measure(case: Case, method: Callable[..., Attribution]) -> Measured:
        given = [getattr(case, name) for name in known]
        return function(case.model, method, case.pictures, *given, seed=case.seed, **_bounded(case))

    return measure


def _mosaics(function: Callable[..., Measured]) -> Measure:
    def measure(case: Case, method: Callable[..., Attribution]) -> Measured:
        return function(case.model, method, case.pictures, case.labels, n=MOSAICS, seed=case.seed, **_bounded(case))

    return measure


def _parts(function: Callable[..., Measured]) -> Measure:
    def measure(case: Case, method: Callable[..., Attribution]) -> Measured:
        return function(case.removals, method, seed=case.seed, **_bounded(case))

    return measure


def _legible(function: Callable[..., Measured], *known: str, **options: Any) -> Measure:
    def measure(case: Case, method: Callable[..., Attribution]) -> Measured:
        reading = name_of_method(method)
        if reading not in READINGS:
            raise ModelError(f"{reading} is no gradient of a network; expected one of {', '.join(READINGS)}")
        given = [getattr(case, name) for name in known]
        return function(case.model, case.pictures, *given, reading=reading, seed=case.seed, **options, **_bounded(case))

    return measure


def _bounded(case: Case) -> dict[str, Any]:
    return {} if case.batch_size is None else {"batch_size": case.batch_size}


METRICS: Mapping[str, Metric] = {
    "sensitivity": Metric("a feature that alone changes the score gets attribution", True, _common(axioms.sensitivity)),
    "dummy": Metric("share given to what the score does not depend on", False, _common(axioms.dummy)),
    "implementation_invariance": Metric(
        "distance between maps of one function written in two ways", False, _common(axioms.implementation_invariance)
    ),
    "completeness": Metric("gap between the values' sum and the score's change", False, _common(axioms.completeness)),
    "linearity": Metric("distance from the mixture of two scores' maps", False, _common(axioms.linearity)),
    "insertion": Metric("mean probability as the picture appears", True, _common(faithfulness.insertion)),
    "deletion": Metric("mean probability as the picture goes", False, _common(faithfulness.deletion)),
    "infidelity": Metric("share of the score's moves that the values miss", False, _common(perturbed.infidelity), 1.0),
    "sensitivity_n": Metric("correlation with the score's fall", True, _common(perturbed.sensitivity_n), 0.0),
    "max_sensitivity": Metric("change of the map under small noise", False, _common(perturbed.max_sensitivity)),
    "sanity_check": Metric("likeness to maps of shuffled weights", False, _common(sanity.sanity_check), 1.0),
    "energy_in_mask": Metric(
        "share on the thing", True, _common(localization.energy_in_mask, "masks"), needs=("masks",)
    ),
    "pointing_game": Metric(
        "highest value on the thing", True, _common(localization.pointing_game, "masks"), needs=("masks",)
    ),
    "focus": Metric("share on the right half of 2 x 2 mosaics", True, _mosaics(localization.focus), 0.5, ("labels",)),
    "grid_pointing": Metric(
        "share on the right cell of 3 x 3", True, _mosaics(localization.grid_pointing), 1 / 9, ("labels",)
    ),
    "exactness": Metric("share of a score that is not in its pixels", False, _legible(legibility.exactness)),
    "contrast": Metric("cosine of gradients toward different classes", False, _legible(legibility.contrast), 1.0),
    "class_accuracy": Metric(
        "gradient x input in the right cell of 3 x 3",
        True,
        _legible(legibility.class_accuracy, "labels", n=MOSAICS),
        1 / 9,
        ("labels",),
    ),
    "part_completeness": Metric(
        "important parts suffice and are needed", True, _parts(part_removal.part_completeness), needs=("scenes",)
    ),
    "part_correctness": Metric(
        "rank correlation with removed parts", True, _parts(part_removal.part_correctness), 0.0, ("scenes",)
    ),
    "part_contrastivity": Metric(
        "the map follows the class asked about", True, _parts(part_removal.part_contrastivity), 0.5, ("scenes",)
    ),
}
"""Every metric that needs no second network, by its name."""


def own_metric(function: Callable[..., Any]) -> Metric:
    """A user's metric(model, method, pictures, target) -> Measured, or one number for each picture."""
    name = name_of_method(function)

    def measure(case: Case, method: Callable[..., Attribution]) -> Measured:
        found = function(case.model, method, case.pictures, case.labels)
        if isinstance(found, Measured):
            return found
        values = np.asarray(found.detach().cpu() if isinstance(found, Tensor) else found, dtype=np.float64)
        if values.ndim != 1:
            raise OptionError(
                f"{name} gave values of shape {values.shape}; expected a Measured, or one number for each picture"
            )
        return mean_of(values, case.seed)

    return Metric(name, True, measure)

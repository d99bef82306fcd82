"""Every attribution method as the evidence runs it: with which options, on what share of the pictures, read how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from _evidence import bootstrap
from torch import Tensor

import cutaway as cw
from cutaway.attribution import METHODS
from cutaway.core.errors import CutawayError
from cutaway.metrics.maps import attributed

CHUNK = 50


@dataclass(frozen=True)
class Variant:
    """A method with its options, and the share of the pictures that it is run on (slow ones fewer)."""

    name: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    share: float = 1.0


SLOW: Mapping[str, tuple[Mapping[str, Any], float]] = {
    "integrated_gradients": ({"steps": 16, "baseline": 0.5}, 0.25),
    "smoothgrad": ({"samples": 16}, 0.25),
    "occlusion": ({}, 0.25),
    "score_cam": ({}, 0.15),
    "prediction_difference": ({"samples": 4}, 0.15),
}
"""Options and shares of what takes many passes."""

VARIANTS = (
    *(Variant(name, name, *SLOW.get(name, ({}, 1.0))) for name in METHODS),
    Variant("integrated_gradients from black", "integrated_gradients", {"steps": 16}, 0.25),
)


def values_of(model: cw.Model, variant: Variant, pictures: Tensor, target: Tensor) -> Tensor | str:
    """The attribution's values, or in words why this network has none."""
    try:
        options = options_of(variant, pictures.shape[-1])
        return attributed(model, variant.method, pictures, target, CHUNK, **options).values
    except CutawayError as error:
        return str(error).split(";")[0]


def options_of(variant: Variant, side: int) -> dict[str, Any]:
    """The options for pictures of so many pixels a side: 64 windows for prediction differences, whatever the size."""
    windows = {"window": side // 8, "stride": side // 8} if variant.method == "prediction_difference" else {}
    return {**variant.options, **windows}


def readings(values: Tensor) -> dict[str, Tensor]:
    """The two ways to read values as a map: signed (colours added up), and by their magnitude."""
    if values.ndim == 3:
        return {"signed": values, "magnitude": values.abs()}
    return {"signed": values.sum(dim=1), "magnitude": values.abs().sum(dim=1)}


def interval(values: Any) -> list[float]:
    """The bootstrap interval of a mean, rounded."""
    return [round(end, 3) for end in bootstrap(values)]

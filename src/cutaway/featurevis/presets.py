"""Presets: settings that work together, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cutaway.featurevis.parameterizations import Parameterization
from cutaway.featurevis.settings import RegularizerChoice, TransformChoice


@dataclass(frozen=True)
class Preset:
    """A parameterization with the transforms, regularizers and rate that go with it, as `visualize` takes them."""

    parameterization: str | Parameterization
    transforms: TransformChoice = "standard"
    regularizers: RegularizerChoice = ()
    rate: int | float = 1.0


PRESETS: Mapping[str, Preset] = {
    "inceptionism": Preset("pixel", "jitter", (("variation", 0.3), ("blur", 0.5))),
}
"""Name -> preset."""

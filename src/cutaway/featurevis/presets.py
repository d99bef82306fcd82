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
    "natural": Preset("maco"),
    "smooth": Preset("pixel", "jitter", (("decay", 0.0017), ("blur", 0.46), ("clip_contribution", 0.041)), rate=2.7),
    "sparse": Preset("pixel", "jitter", (("decay", 0.0011), ("clip_contribution", 0.31)), rate=3.4),
    "crisp": Preset("pixel", "jitter", (("clip_norm", 0.08), ("clip_contribution", 0.02)), rate=3.2),
    "inceptionism": Preset("pixel", "jitter", (("variation", 0.3), ("blur", 0.46)), rate=2.7),
}
"""Name -> preset.

smooth, sparse, crisp: trials 29, 17 and 14 of `search` with seed 0 over four channels of a SqueezeNet (30 trials of 80
steps at 96 px), the best three of different look. inceptionism: neighbouring pixels are to be alike (Mordvintsev et al.
2015). natural: the strengths of waves are those of photographs.
"""

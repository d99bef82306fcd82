"""PartWorld as a data set: scene number `index` of a seed and split, drawn when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cutaway.core.errors import OptionError, choose
from cutaway.data.dataset import Sample
from cutaway.data.partworld.bias import Bias, biased
from cutaway.data.partworld.captions import FAMILIES, captions
from cutaway.data.partworld.classes import LABELS
from cutaway.data.partworld.render import SIZES, Rendering, centres, render
from cutaway.data.partworld.sample import SPLITS, sample_scene
from cutaway.data.partworld.scene import Scene, walk

OPTIONS = ("seed", "split", "size", "bias", "hold_out")


@dataclass(frozen=True)
class PartWorld:
    """A finite part of an endless world; nothing is stored, so a million pictures weigh as much as one.

    Splits and seeds are apart by construction (both seed the generator). `hold_out` names caption families left out.
    Raises OptionError for a count, seed, split, size or family out of range.
    """

    count: int = 2000
    seed: int = 0
    split: str = "train"
    size: int = 64
    bias: Bias | None = None
    hold_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0:
            raise OptionError(
                f"count {self.count} and seed {self.seed}; expected at least 1 and 0; try partworld:2000?seed=7"
            )
        choose(self.split, SPLITS, "split")
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise OptionError(f"size {self.size}; expected {SIZES[0]} to {SIZES[1]} pixels; try 64")
        for family in self.hold_out:
            choose(family, FAMILIES, "caption family")

    @property
    def labels(self) -> tuple[str, ...]:
        """The twenty classes."""
        return LABELS

    def __len__(self) -> int:
        return self.count

    def scene(self, index: int) -> Scene:
        """The scene behind a sample. Raises IndexError outside the set."""
        if not 0 <= index < self.count:
            raise IndexError(f"sample {index} of {self.count}")
        scene = sample_scene(self.seed, index, self.split)
        return scene if self.bias is None else biased(scene, self.bias, self.seed, index)

    def __getitem__(self, index: int, /) -> Sample:
        scene = self.scene(index)
        return sample_of(
            scene, render(scene, self.size), self._key(index), captions(scene, index, hold_out=self.hold_out)
        )

    def _key(self, index: int) -> str:
        bias = f"/{self.bias.what}-{self.bias.probability}" if self.bias else ""
        return f"partworld/{self.split}/{self.seed}{bias}/{index}"


def sample_of(scene: Scene, rendering: Rendering, key: str, told: tuple[str, ...]) -> Sample:
    """A rendered scene as a sample; `extra` holds the scene, attributes by path, visible shares and shadow masks."""
    size = rendering.picture.shape[0]
    picture = torch.from_numpy(np.ascontiguousarray(rendering.picture.transpose(2, 0, 1))).to(torch.float32).div_(255)
    return Sample(
        key=key,
        picture=picture,
        label=LABELS.index(scene.label),
        captions=told,
        masks=rendering.masks,
        parts={path: (x * size, y * size) for path, (x, y) in centres(scene).items()},
        extra={
            "scene": scene,
            "attributes": attributes(scene),
            "visible": rendering.visible,
            "shadows": rendering.shadows,
        },
    )


def attributes(scene: Scene) -> dict[str, dict[str, str]]:
    """Kind, colour and texture of each of the object's drawn parts, by path."""
    return {
        path: {"kind": part.kind, "colour": part.colour, "texture": part.texture}
        for path, part in walk(scene.whole.parts)
        if part.kind is not None and part.colour is not None and part.texture is not None
    }


def open_partworld(count: int, options: Mapping[str, str]) -> PartWorld:
    """The data set of a spec, `partworld:COUNT?seed=7&split=test&size=64&bias=mark:0.95&hold_out=negative+place`.

    Raises OptionError for an unknown option or a value out of its range.
    """
    for name in options:
        choose(name, OPTIONS, "option of partworld")
    values: dict[str, Any] = {name: _whole_number(name, options[name]) for name in ("seed", "size") if name in options}
    if "bias" in options:
        values["bias"] = Bias.parse(options["bias"])
    if "split" in options:
        values["split"] = options["split"]
    if options.get("hold_out"):
        values["hold_out"] = tuple(options["hold_out"].replace("+", " ").split())
    return PartWorld(count=count, **values)


def _whole_number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise OptionError(
            f'{name} "{text}"; expected a whole number; try {name}={64 if name == "size" else 7}'
        ) from None

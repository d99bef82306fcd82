"""Features of birds from SqueezeNet, cut at one of three depths, and where in the picture each place of them looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from cutaway.core.devices import autocast
from cutaway.core.errors import DataError
from cutaway.data.dataset import Dataset, Sample
from cutaway.data.specs import open_dataset
from cutaway.nets.model import Model
from cutaway.nets.zoo.squeezenet import SqueezeNet

ENCODED = 20  # pictures that go through the encoder together
GRID = 13  # places a side: finer grids are averaged down to it, so that all depths cost the same
CUTS = {"shallow": 5, "middle": 8, "deep": 13}  # how many of SqueezeNet's features are kept
STRIDES = {"shallow": (4, 3.5), "middle": (8, 7.5), "deep": (16, 15.5)}  # pixels between units, and to the first
FIELDS = {"shallow": 23, "middle": 63, "deep": 207}
"""Pixels a side that one unit sees (tested); the averaging onto GRID adds up to 16 (shallow and middle)."""

Depth = Literal["shallow", "middle", "deep"]
Features = Float[Tensor, "n channels y x"]
Parts = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Encoded:
    """Features of pictures, their classes, and where the parts of each lie on the grid's scale (0 to 1: x, y)."""

    features: Features
    targets: Int64[Tensor, " n"]
    parts: tuple[Parts, ...]


def trunk(model: Model, depth: Depth) -> nn.Sequential:
    """SqueezeNet up to a depth, its grid averaged down to GRID."""
    if not isinstance(model.module, SqueezeNet):
        raise DataError(f"the encoder is {model.name}; expected squeezenet1_1; try squeezenet1_1@FILE.safetensors")
    return nn.Sequential(model.module.features[: CUTS[depth]], nn.AdaptiveAvgPool2d(GRID))


def centres(depth: Depth) -> Float[Tensor, " grid"]:
    """Where the places of the grid look: the middle of each one's field, 0 to 1 of a picture of 224 pixels' side.

    Layers without padding never centre on the border: the first place of 13 looks at 7 % of the side, not at 4.
    """
    step, first = STRIDES[depth]
    units = torch.arange(first, 224 - first, step, dtype=torch.float64)
    return F.adaptive_avg_pool1d(units[None], GRID)[0] / 224


def seen(model: Model, pictures: list[Tensor]) -> Float[Tensor, "batch channels y x"]:
    """What the encoder is shown: the whole picture. The usual crop would cut off beaks and tails."""
    whole = replace(model.preprocess, crop=False)
    return whole.normalise(torch.stack([whole.fit(picture) for picture in pictures]))


def opened(data: str, split: str) -> tuple[Dataset, list[int], tuple[str, ...]]:
    """The data set, each sample's class, and the classes: of `label`, or of a key `class`."""
    dataset = open_dataset(f"{data.partition('?')[0]}?split={split}")
    words = [_word(dataset, dataset[index]) for index in range(len(dataset))]
    labels = tuple(sorted(set(words)))
    return dataset, [labels.index(word) for word in words], labels


@torch.no_grad()
def encoded(model: Model, depth: Depth, data: str, split: str, mirrored: bool = False) -> Encoded:
    """A split's features, in bfloat16's precision; mirrored: left to right."""
    dataset, targets, _ = opened(data, split)
    cut = trunk(model, depth).eval()
    features, parts = [], []
    for chosen in torch.arange(len(dataset)).split(ENCODED):
        samples = [dataset[int(index)] for index in chosen]
        pictures = seen(model, [sample.picture for sample in samples])
        with autocast(model.device):
            features.append(cut(pictures.flip(-1) if mirrored else pictures).float())
        parts += [_points(sample) for sample in samples]
    return Encoded(torch.cat(features), torch.tensor(targets), tuple(parts))


def points(data: str, split: str) -> tuple[Parts, ...]:
    """Where the parts of each picture of a split lie, as in `Encoded`."""
    dataset, _, _ = opened(data, split)
    return tuple(_points(dataset[index]) for index in range(len(dataset)))


def together(views: list[Encoded]) -> Encoded:
    """Several views as one split, one after the other."""
    parts = tuple(each for view in views for each in view.parts)
    return Encoded(torch.cat([view.features for view in views]), torch.cat([view.targets for view in views]), parts)


def _points(sample: Sample) -> Parts:
    high, wide = sample.picture.shape[1:]
    return {name: (x / wide, y / high) for name, (x, y) in sample.parts.items()}


def _word(dataset: Dataset, sample: Sample) -> str:
    found = dataset.labels[sample.label] if sample.label is not None else sample.extra.get("class")
    if not isinstance(found, str):
        raise DataError(f'{sample.key} has no class; expected "label" or "class" in each line; check --data')
    return found

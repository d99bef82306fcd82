"""Prototypes on a frozen encoder: SqueezeNet cut at one of three depths, that is with one of three receptive fields.

Features are computed once; what trains is a reduction to few channels, the prototypes and the head: seconds a run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from cutaway.core.devices import autocast
from cutaway.core.errors import DataError
from cutaway.core.seeds import generator
from cutaway.data.dataset import Dataset, Sample
from cutaway.data.specs import open_dataset
from cutaway.nets.model import Model
from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.nets.zoo.squeezenet import SqueezeNet
from cutaway.training.cifar import Batch
from cutaway.training.loop import Scores, Task
from cutaway.training.prototypes import placed, settle
from cutaway.whitebox.prototypes import Prototypes

ENCODED = 20  # pictures that go through the encoder together
GRID = 13  # places a side: finer grids are averaged down to it, so that all depths cost the same
CUTS = {"shallow": 5, "middle": 8, "deep": 13}  # how many of SqueezeNet's features are kept
FIELDS = {"shallow": 23, "middle": 63, "deep": 207}
"""Pixels a side that one unit sees (tested); the averaging onto GRID adds up to 16 (shallow and middle)."""

Depth = Literal["shallow", "middle", "deep"]
Features = Float[Tensor, "n channels y x"]
Parts = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class BirdSettings:
    """Every setting with its reason."""

    encoder: str = "squeezenet1_1@../shared/models/squeezenet1_1_imagenet.safetensors"
    depth: Depth = "deep"  # where SqueezeNet is cut
    channels: PositiveInt = 64  # that features are reduced to
    per_class: PositiveInt = 5  # prototypes of a class
    epochs: PositiveInt = 40  # over a few hundred pictures and their mirror images
    last: PositiveInt = 10  # of these: prototypes are patches by then, and the head alone learns
    batch: PositiveInt = 50
    rate: PositiveFloat = 3e-3  # of Adam
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1  # of the labels
    cluster: NonNegativeFloat = 0.2  # how strongly each picture is drawn to a prototype of its own class
    separation: NonNegativeFloat = 0.05  # and away from those of other classes
    dissimilarity: NonNegativeFloat = 0.2  # how strongly a class's prototypes are kept from looking at one place


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
        pictures = model.preprocess.normalise(torch.stack([model.preprocess.fit(each.picture) for each in samples]))
        with autocast(model.device):
            features.append(cut(pictures.flip(-1) if mirrored else pictures).float())
        parts += [_points(sample) for sample in samples]
    return Encoded(torch.cat(features), torch.tensor(targets), tuple(parts))


def points(data: str, split: str) -> tuple[Parts, ...]:
    """Where the parts of each picture of a split lie, as in `Encoded`."""
    dataset, _, _ = opened(data, split)
    return tuple(_points(dataset[index]) for index in range(len(dataset)))


def bird_net(config: BirdSettings, train: Encoded, layer: Prototypes, seed: int) -> PrototypeNet:
    """reduce -> unit -> prototypes -> head, over an encoder's features.

    Features of a place are brought to length one: likeness is then a matter of direction, whatever the contrast of the
    picture. With a sigmoid instead, as Chen et al. have it, 50 % of the test birds are told rightly on the same
    encoder; with directions 85 % (n = 341).

    Training begins near what it looks for: with the principal directions of the features, and with prototypes that
    are patches from the middle of pictures of their own class.
    """
    reduce = nn.Conv2d(train.features.shape[1], config.channels, 1)
    principal(reduce, train.features)
    encoder = nn.Sequential(OrderedDict(reduce=reduce, unit=UnitLength()))
    draw = generator(seed, "patches")
    with torch.no_grad():
        for prototype, label in enumerate(layer.classes_of.tolist()):
            pictures = (train.targets == label).nonzero()[:, 0]
            chosen = int(pictures[torch.randint(len(pictures), (1,), generator=draw)])
            y, x = (torch.randint(GRID // 4, GRID - GRID // 4, (2,), generator=draw)).tolist()
            layer.values()[prototype] = layer.patch(encoder(train.features[chosen : chosen + 1]), prototype, (y, x))
    return PrototypeNet(encoder, layer)


class UnitLength(nn.Module):
    """The features of each place over their Euclidean length."""

    def forward(self, features: Features) -> Features:
        return F.normalize(features, dim=1)


@torch.no_grad()
def principal(reduce: nn.Conv2d, features: Features) -> None:
    """Sets a 1 x 1 convolution to the leading principal directions of standardised features, the first of variance one.

    The others keep their share of the variance: made equal, faint directions, which are noise, would outvote the rest.
    """
    rows = features.transpose(0, 1).flatten(1)[:, ::7].double()
    centre, spread = rows.mean(1), rows.std(1).clamp(min=1e-6)
    rows = (rows - centre[:, None]) / spread[:, None]
    sizes, directions = torch.linalg.eigh(rows @ rows.T / rows.shape[1])
    leading = directions.flip(1)[:, : reduce.out_channels].T / sizes[-1].sqrt()
    reduce.weight.copy_((leading / spread)[:, :, None, None])
    assert reduce.bias is not None
    reduce.bias.copy_(-(leading / spread) @ centre)


def bird_task(config: BirdSettings, train: list[Encoded], seed: int, layer: Callable[[int], Prototypes]) -> Task[Batch]:
    """The training on views of the same pictures (as they are first, mirrored second); layer(classes)."""
    targets = train[0].targets
    net = bird_net(config, train[0], layer(int(targets.max()) + 1), seed)
    steps = -(-len(targets) // config.batch)

    def batches(epoch: int) -> Iterator[Batch]:
        first = config.epochs - config.last
        if epoch >= first:  # a run that is resumed later on finds its prototypes projected already
            settle(net, plain(train[0]) if epoch == first else None)
        draw = generator(seed, "batches", epoch)
        sides = torch.randint(len(train), (len(targets),), generator=draw)
        for chosen in torch.randperm(len(targets), generator=draw).split(config.batch):
            yield torch.stack([train[int(sides[i])].features[i] for i in chosen.tolist()]), targets[chosen]

    return Task(
        module=net,
        optimizers=[torch.optim.Adam(net.parameters(), config.rate)],
        batches=batches,
        loss=lambda batch: placed(config, net, *batch),
        schedule=lambda progress: 1 - 0.9 * progress,
        score=dict,
        epochs=config.epochs,
        steps=steps,
        seed=seed,
    )


def plain(data: Encoded) -> Iterator[Batch]:
    """All features in their order."""
    yield from zip(data.features.split(50), data.targets.split(50), strict=True)


@torch.no_grad()
def scores(net: nn.Module, data: Encoded) -> Scores:
    """Accuracy on a split."""
    right = sum(int((net(features).argmax(1) == targets).sum()) for features, targets in plain(data))
    return {"accuracy": right / len(data.targets), "n": len(data.targets)}


def linear_head(train: list[Encoded], seed: int = 0, steps: int = 400, decay: float = 1e-2) -> nn.Module:
    """A linear layer over the mean of all places, to compare with: what the features themselves know."""
    inputs = torch.cat([side.features.mean((2, 3)) for side in train])
    targets = torch.cat([side.targets for side in train])
    centre, spread = inputs.mean(0), inputs.std(0).clamp(min=1e-6)
    with torch.random.fork_rng():
        torch.manual_seed(generator(seed, "head").initial_seed())
        head = nn.Linear(inputs.shape[1], int(targets.max()) + 1)
    optimizer = torch.optim.AdamW(head.parameters(), 1e-2, weight_decay=decay)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(head((inputs - centre) / spread), targets, label_smoothing=0.1).backward()
        optimizer.step()
    with torch.no_grad():  # the standardisation goes into the layer
        head.bias.sub_(head.weight @ (centre / spread))
        head.weight.div_(spread)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


def _points(sample: Sample) -> Parts:
    high, wide = sample.picture.shape[1:]
    return {name: (x / wide, y / high) for name, (x, y) in sample.parts.items()}


def _word(dataset: Dataset, sample: Sample) -> str:
    found = dataset.labels[sample.label] if sample.label is not None else sample.extra.get("class")
    if not isinstance(found, str):
        raise DataError(f'{sample.key} has no class; expected "label" or "class" in each line; check --data')
    return found

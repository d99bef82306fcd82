"""Prototypes on a frozen encoder: SqueezeNet cut at one of three depths, that is with one of three receptive fields.

Features are computed once. Prototypes begin as patches that stand out (`whitebox.prominence`), and stay these unless
they are moved for some epochs. Then they are patches, and the head is the best that there is for their likenesses: a
convex problem, solved in seconds. (By gradient steps it was left far from its best.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from cutaway.core.seeds import generator
from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.training.bird_features import Depth, Encoded, Features, together
from cutaway.training.cifar import Batch
from cutaway.training.loop import Scores, Task, fit
from cutaway.training.prototypes import placed, settle
from cutaway.whitebox.prominence import TOGETHER, begin
from cutaway.whitebox.prototypes import Prototypes

DECAY = 1e-2  # cross-validated on training birds, prototypes and linear head: from 3e-3 to 3e-2 all tell alike


@dataclass(frozen=True)
class BirdSettings:
    """Every setting with its reason."""

    encoder: str = "squeezenet1_1@../shared/models/squeezenet1_1_imagenet.safetensors"
    depth: Depth = "deep"  # where SqueezeNet is cut
    channels: PositiveInt = 64  # that features are reduced to
    per_class: PositiveInt = 40  # prototypes of a class: what one does not tell, another does
    tried: PositiveInt = 10  # patches that are tried for each prototype: the most prominent few are much the same
    distinct: Annotated[float, Field(gt=0, le=1)] = 0.7  # a class's prototypes are less alike than this (cosine)
    decay: PositiveFloat = DECAY  # of the head's squared weights
    epochs: NonNegativeInt = 0  # in which prototypes move, over the pictures and their mirror images
    batch: PositiveInt = 50
    rate: PositiveFloat = 3e-4  # of Adam, for the reduction and the prototypes: more, and they leave where they begin
    head_rate: PositiveFloat = 1e-2  # of Adam, for the head that prototypes are moved with
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1  # of the labels that they are moved by
    cluster: NonNegativeFloat = 0.2  # how strongly each picture is drawn to a prototype of its own class
    separation: NonNegativeFloat = 0.05  # and away from those of other classes
    dissimilarity: NonNegativeFloat = 0.2  # how strongly a class's prototypes are kept from looking at one place
    temperature: PositiveFloat = 0.1  # at which their maps are compared for that


def bird_net(config: BirdSettings, train: Encoded, layer: Prototypes) -> PrototypeNet:
    """reduce -> unit -> prototypes -> head, over an encoder's features.

    Features of a place are brought to length one: likeness is then a matter of direction, whatever the contrast of the
    picture. With a sigmoid instead, as Chen et al. have it, 50 % of the test birds are told rightly on the same
    encoder; with directions 85 % (n = 341).

    Training begins near what it looks for: with the principal directions of the features, and with prototypes that
    are patches of pictures of their own class which stand out (`begin`).
    """
    reduce = nn.Conv2d(train.features.shape[1], config.channels, 1)
    principal(reduce, train.features)
    encoder = nn.Sequential(OrderedDict(reduce=reduce, unit=UnitLength()))
    with torch.no_grad():
        pool = config.tried * config.per_class
        begin(layer, encoder(train.features), train.targets, pool, config.distinct)
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


def learned(
    config: BirdSettings,
    train: list[Encoded],
    seed: int,
    layer: Callable[[int], Prototypes],
    folder: Path,
    resume: bool = False,
    report: Callable[[str], object] = print,
) -> PrototypeNet:
    """The whole training on views of the same pictures (as they are first, mirrored second); layer(classes).

    Prototypes may be patches of any view: `Source.picture` counts on from the first view into the next.
    """
    whole = together(train)
    net = bird_net(config, whole, layer(int(whole.targets.max()) + 1))
    fit(placing(config, net, train, seed), folder, resume, report)
    settle(net, plain(whole))
    net.head = solved(likeness(net, whole), whole.targets, config.decay)
    return net.eval()


def placing(config: BirdSettings, net: PrototypeNet, train: list[Encoded], seed: int) -> Task[Batch]:
    """The epochs in which the prototypes move, as data and functions."""
    targets = train[0].targets

    def batches(epoch: int) -> Iterator[Batch]:
        draw = generator(seed, "batches", epoch)
        sides = torch.randint(len(train), (len(targets),), generator=draw)
        for chosen in torch.randperm(len(targets), generator=draw).split(config.batch):
            yield torch.stack([train[int(sides[i])].features[i] for i in chosen.tolist()]), targets[chosen]

    moved = [*net.encoder.parameters(), *net.prototypes.parameters()]
    return Task(
        module=net,
        optimizers=[torch.optim.Adam(moved, config.rate), torch.optim.Adam(net.head.parameters(), config.head_rate)],
        batches=batches,
        loss=lambda batch: placed(config, net, *batch),
        schedule=lambda progress: 1 - 0.9 * progress,
        score=dict,
        epochs=config.epochs,
        steps=-(-len(targets) // config.batch),
        seed=seed,
    )


def solved(
    inputs: Float[Tensor, "n inputs"], targets: Int64[Tensor, " n"], decay: float, offsets: bool = False
) -> nn.Linear:
    """The linear layer of least cross entropy + decay |w|^2, w for inputs of variance one: logistic regression.

    offsets: a layer with a bias, and inputs less their means.
    """
    centre, spread = inputs.mean(0) * offsets, inputs.std(0).clamp(min=1e-6)
    two = int(targets.max()) == 1  # then scikit-learn asks for one row, how much the second class has more
    model = LogisticRegression(C=(1 + two) / (2 * decay * len(inputs)), fit_intercept=offsets, max_iter=2000)
    model.fit(((inputs - centre) / spread).double().numpy(), targets.numpy())
    rows, bias = torch.from_numpy(model.coef_), torch.from_numpy(model.intercept_)
    if two:
        rows, bias = torch.cat([-rows, rows]) / 2, torch.cat([-bias, bias]) / 2
    head = nn.Linear(inputs.shape[1], len(rows), bias=offsets)
    with torch.no_grad():  # the standardisation goes into the layer
        head.weight.copy_(rows / spread)
        if offsets:
            head.bias.copy_(bias - head.weight.double() @ centre.double())
    return head


@torch.no_grad()
def likeness(net: PrototypeNet, data: Encoded) -> Float[Tensor, "n prototypes"]:
    """How alike each picture is to each prototype."""
    return torch.cat([net.prototypes(net.encoder(some)) for some in data.features.split(TOGETHER)])


def plain(data: Encoded) -> Iterator[Batch]:
    """All features in their order."""
    yield from zip(data.features.split(TOGETHER), data.targets.split(TOGETHER), strict=True)


@torch.no_grad()
def scores(net: nn.Module, data: Encoded) -> Scores:
    """Accuracy on a split."""
    right = sum(int((net(features).argmax(1) == targets).sum()) for features, targets in plain(data))
    return {"accuracy": right / len(data.targets), "n": len(data.targets)}


def linear_head(train: list[Encoded], decay: float = DECAY) -> nn.Module:
    """The best linear layer over the mean of all places, to compare with: what the features themselves know."""
    whole = together(train)
    head = solved(whole.features.mean((2, 3)), whole.targets, decay, offsets=True)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)

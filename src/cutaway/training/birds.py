"""Prototypes on a frozen encoder: SqueezeNet cut at one of three depths, that is with one of three receptive fields.

Features are computed once. Prototypes begin as patches that stand out (`whitebox.prominence`) and, unless `last` is
less than `epochs`, stay what they are: what trains is the head, in seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from cutaway.core.seeds import generator
from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.training.bird_features import Depth, Encoded, Features, together
from cutaway.training.cifar import Batch
from cutaway.training.loop import Scores, Task
from cutaway.training.prototypes import placed, settle
from cutaway.whitebox.prominence import begin
from cutaway.whitebox.prototypes import Prototypes


@dataclass(frozen=True)
class BirdSettings:
    """Every setting with its reason."""

    encoder: str = "squeezenet1_1@../shared/models/squeezenet1_1_imagenet.safetensors"
    depth: Depth = "deep"  # where SqueezeNet is cut
    channels: PositiveInt = 64  # that features are reduced to
    per_class: PositiveInt = 10  # prototypes of a class
    epochs: PositiveInt = 60  # over a few hundred pictures and their mirror images
    last: PositiveInt = 60  # of these: prototypes are patches by then, and the head alone learns
    batch: PositiveInt = 50
    rate: PositiveFloat = 3e-4  # of Adam, for the reduction and the prototypes: more, and they leave where they begin
    head_rate: PositiveFloat = 1e-2
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1  # of the labels
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
        begin(layer, encoder(train.features), train.targets)
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
    """The training on views of the same pictures (as they are first, mirrored second); layer(classes).

    Prototypes may be patches of any view: `Source.picture` counts on from the first view into the next.

    Once the prototypes are settled, likenesses no longer change: they are computed once, and batches are of these.
    """
    targets = train[0].targets
    net = bird_net(config, together(train), layer(int(targets.max()) + 1))
    steps, first = -(-len(targets) // config.batch), config.epochs - config.last
    views = [side.features for side in train]

    def batches(epoch: int) -> Iterator[Batch]:
        if epoch >= first and not settled(net):  # a run that is resumed later finds its prototypes projected already
            settle(net, plain(together(train)) if epoch == first else None)
            views[:] = [likeness(net, side) for side in train]
        draw = generator(seed, "batches", epoch)
        sides = torch.randint(len(train), (len(targets),), generator=draw)
        for chosen in torch.randperm(len(targets), generator=draw).split(config.batch):
            yield torch.stack([views[int(sides[i])][i] for i in chosen.tolist()]), targets[chosen]

    def loss(batch: Batch) -> Tensor:
        if settled(net):
            return F.cross_entropy(net.head(batch[0]), batch[1], label_smoothing=config.smoothing)
        return placed(config, net, *batch)

    placing = [*net.encoder.parameters(), *net.prototypes.parameters()]
    return Task(
        module=net,
        optimizers=[torch.optim.Adam(placing, config.rate), torch.optim.Adam(net.head.parameters(), config.head_rate)],
        batches=batches,
        loss=loss,
        schedule=lambda progress: 1 - 0.9 * progress,
        score=dict,
        epochs=config.epochs,
        steps=steps,
        seed=seed,
    )


def settled(net: PrototypeNet) -> bool:
    """Whether the head alone learns."""
    return not net.prototypes.values().requires_grad


@torch.no_grad()
def likeness(net: PrototypeNet, data: Encoded) -> Float[Tensor, "n prototypes"]:
    """How alike each picture is to each prototype."""
    return torch.cat([net.prototypes(net.encoder(some)) for some in data.features.split(50)])


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

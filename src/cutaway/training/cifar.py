"""What the CIFAR-10 recipes have in common; each recipe's own file adds its network, its loss, its views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from cutaway.core.devices import autocast
from cutaway.core.errors import WeightsError
from cutaway.core.seeds import generator
from cutaway.data.cifar10 import LABELS, SIDE
from cutaway.nets.checkpoint import SUFFIXES, read_weights
from cutaway.nets.load import load
from cutaway.nets.zoo.smooth_convnet import whiten
from cutaway.training.loop import Scores, Task
from cutaway.training.muon import Muon
from cutaway.training.pictures import accuracy, covered, crops, normalised, padded, test_pictures, training_pictures
from cutaway.training.recipe import Recipe
from cutaway.whitebox.homogeneous import Homogeneous, contrast_of

DATA = "cifar10:../shared/data/cifar10"
Widths = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
"""Channels of a network's stages or layers, from the first to the last."""

Batch = tuple[Tensor, Tensor]  # pictures as the network sees them (batch, 3, 32, 32), and their classes (batch,)


@dataclass(frozen=True)
class Settings:
    """Every setting that the recipes share, with its reason."""

    classes: tuple[str, ...] = LABELS  # which of the ten; two of them are a quick question
    epochs: PositiveInt = 10  # over the pictures drawn; a recipe that shows a batch twice makes twice the steps
    batch: PositiveInt = 250  # the quickest per picture on two cores: what a layer computes stays in their caches
    filter_rate: PositiveFloat = 0.1  # of Muon
    filter_momentum: PositiveFloat = 0.6  # as in airbench
    rest_rate: PositiveFloat = 0.05  # for norms and heads, which are no filter banks: plain Nesterov momentum
    rest_momentum: PositiveFloat = 0.85  # as in airbench
    plain_rate: PositiveFloat = 0.01  # of Adam, for what is neither: choices, positive weights, prototypes
    warmup: Annotated[float, Field(gt=0, lt=1)] = 0.1  # share of the training; then the rate falls in a line to zero
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1  # of the labels; keeps logits small and comparable
    shift: PositiveInt = 2  # crops move by up to so many pixels
    cutout: Annotated[int, Field(ge=0, le=SIDE)] = 0  # pixels, side of a square that is covered in every picture
    even: bool = False  # pictures are shown at contrast one, as the gates of `clear` see them; in the test, too
    holdout: NonNegativeInt = 0  # the last so many training pictures only score; then the test set stays unread
    start: str = ""  # a network by its spec, or a run's weights.safetensors, that training begins from; "" = drawn anew


Build = Callable[[int], nn.Module]
"""build(classes): the network as training begins, drawn from torch's stream."""

Views = Callable[[nn.Module, Tensor, Tensor], Iterator[Batch]]
"""views(module, pictures, classes): what is trained on for one batch. The loop has gone back through one view before it
asks for the next, which may thus look at the gradient of the one before."""


Begun = Callable[[nn.Module, Tensor], None]
"""begun(module, pictures): what is set before training begins, from some normalised pictures or another network."""


Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""loss(module, pictures, classes): a recipe's own, where cross entropy is not all."""


def once(_: nn.Module, pictures: Tensor, targets: Tensor) -> Iterator[Batch]:
    """Each batch as it is."""
    yield pictures, targets


def cifar_task(
    config: Settings,
    data: str,
    seed: int,
    device: torch.device,
    build: Build,
    views: Views = once,
    each: int = 1,
    loss: Loss | None = None,
    before: Callable[[nn.Module, int], None] | None = None,
    plain: Callable[[nn.Module], list[nn.Parameter]] = lambda _: [],
    begun: Begun | None = None,
) -> Task[Batch]:
    """A whitened stem; crops and alternating flips; one optimizer for each kind of parameter; cross entropy by default.

    each: how many views `views` gives of a batch. before(module, epoch): called before every epoch. plain: parameters
    that are no filter banks, whatever their axes. begun: in place of `from_the_start`.
    """
    train, held = training_pictures(data, config.classes, config.holdout, config.batch)
    with torch.random.fork_rng():
        torch.manual_seed(generator(seed, "network").initial_seed())
        module = build(len(config.classes))
    (begun or from_the_start(config))(module, normalised(train.pictures[:5000]))
    module.to(device)
    roomy, targets = padded(train.pictures, config.shift).to(device), train.targets.to(device)
    mirrored = torch.rand(len(train), generator=generator(seed, "mirrored")) < 0.5

    def batches(epoch: int) -> Iterator[Batch]:
        draw = generator(seed, "batches", epoch)
        order = torch.randperm(len(train), generator=draw)
        if before is not None:
            before(module, epoch)
        for chosen in order.split(config.batch)[: len(train) // config.batch]:
            # A coin decides each picture's first side, then the sides take turns, so that any two epochs show both.
            turned = mirrored[chosen] ^ bool(epoch % 2)
            pictures = normalised(crops(roomy[chosen], turned, draw))
            if config.even:
                pictures = pictures / contrast_of(pictures)
            if config.cutout:
                pictures = covered(pictures, config.cutout, draw)
            yield from views(module, pictures, targets[chosen])

    return Task(
        module=module,
        optimizers=optimizers(config, module, plain(module)),
        batches=batches,
        loss=lambda batch: (loss or entropy(config))(module, *batch),
        schedule=lambda progress: min(progress / config.warmup, (1 - progress) / (1 - config.warmup)),
        score=lambda: {"accuracy": accuracy(as_shown(config, module), held, device)} if held else {},
        epochs=config.epochs,
        steps=each * (len(train) // config.batch),
        seed=seed,
    )


def from_the_start(config: Settings) -> Begun:
    """The stem set from data, or all weights taken over from the network that the settings name."""

    def begun(module: nn.Module, pictures: Tensor) -> None:
        if config.start:
            took_over(module, weights_of(config.start), config.start)
        else:
            whiten(module, pictures)

    return begun


def weights_of(start: str) -> dict[str, Tensor]:
    """The weights of a network that has a spec, or those in a .safetensors file, whatever network they are of."""
    path = Path(start)
    if "@" not in start and (path.suffix in SUFFIXES or (path.suffix and path.is_file())):
        return read_weights(path)
    return load(start).module.state_dict()


def took_over(module: nn.Module, given: Mapping[str, Tensor], name: str, above: str = "") -> None:
    """Gives a network another one's weights, those below `above` in it; a WeightsError for other names or shapes."""
    own = {f"{above}{key}": value for key, value in module.state_dict().items()}
    for key, value in own.items():
        if key not in given or given[key].shape != value.shape:
            raise unlike(name, key, value)
    module.load_state_dict({key.removeprefix(above): given[key] for key in own})


def unlike(name: str, key: str, own: Tensor) -> WeightsError:
    """What is said where another network's layers are not one's own."""
    return WeightsError(
        f'"{name}" has no {key} of shape {tuple(own.shape)}; expected a network whose layers are those of the recipe; '
        'try its own widths, or start=""'
    )


Teacher = Callable[[Tensor], Tensor]
"""teacher(pictures): what another network says of the classes that are learned, (batch, classes)."""


def entropy(config: Settings, teacher: Teacher | None = None, share: float = 0.5) -> Loss:
    """Cross entropy with smoothed labels, the forward pass at the precision that is quickest.

    A teacher's probabilities are so large a share of the labels (Hinton et al. 2015): which other classes a picture
    looks like is more than its label says.
    """

    def loss(module: nn.Module, pictures: Tensor, targets: Tensor) -> Tensor:
        with autocast(pictures.device):
            logits = module(pictures).float()
        told = F.cross_entropy(logits, targets, label_smoothing=config.smoothing)
        return told if teacher is None else torch.lerp(told, F.cross_entropy(logits, teacher(pictures)), share)

    return loss


def optimizers(config: Settings, module: nn.Module, plain: list[nn.Parameter]) -> list[torch.optim.Optimizer]:
    """Muon for filter banks, Adam for those named as plain, Nesterov momentum for all else that learns."""
    learned = [p for p in module.parameters() if p.requires_grad]
    spared = {id(p) for p in plain}
    filters = [p for p in learned if p.ndim == 4 and id(p) not in spared]
    rest = [p for p in learned if p.ndim != 4 and id(p) not in spared]
    found: list[torch.optim.Optimizer] = []
    if filters:
        found.append(Muon(filters, config.filter_rate, config.filter_momentum))
    if rest:
        found.append(torch.optim.SGD(rest, config.rest_rate, config.rest_momentum, nesterov=True))
    if plain:
        found.append(torch.optim.Adam(plain, config.plain_rate))
    return found


def as_shown(config: Settings, module: nn.Module) -> nn.Module:
    """The network as its pictures are shown to it."""
    return Homogeneous(module) if config.even else module


def test(config: Settings, module: nn.Module, data: str, device: torch.device) -> Scores:
    """Accuracy in float32: on the test set, or on the held-out pictures where there are some."""
    _, held = training_pictures(data, config.classes, config.holdout, config.batch)
    scored = held or test_pictures(data, config.classes)
    return {
        "accuracy": accuracy(as_shown(config, module), scored, device, "float32"),
        "n": len(scored),
        "test_set": held is None,
    }


def cifar_recipe(
    name: str,
    claim: str,
    config: type[Settings],
    task: Callable[..., Task[Any]],
    scores: Callable[..., Scores] = test,
) -> Recipe:
    """A recipe for CIFAR-10 with the common test."""
    return Recipe(name, claim, DATA, config, task, scores)

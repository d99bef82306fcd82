"""A head for `clear` that counts places, and is asked what its classes look like where there is nothing to see.

    cutaway train clear-noise --set start=RUN/weights.safetensors

A score that is a mean over places shows no shape on noise, where gates open by the same chances everywhere. So the head
gets a grid of places, and judges, frozen black boxes, say what they see in the gradients toward the classes. (The noise
test has another judge.) Nothing but the head learns, and what it says of real pictures stays: it moves in directions,
and is held back, by how much evidence the channels below find on these (`found_on`). Channels that real pictures
hardly use cost nothing, and it is these that draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.metrics.noise import noise, shown
from cutaway.nets.model import Model
from cutaway.nets.zoo.clear_net import SHARED, ClearNet, like
from cutaway.training.cifar import Settings, Teacher, cifar_recipe, took_over, weights_of
from cutaway.training.kept_evidence import Along, apart, found_on, heard, summed_on
from cutaway.training.loop import Task
from cutaway.training.pictures import PREPROCESS, normalised, training_pictures
from cutaway.training.teachers import answers_of
from cutaway.whitebox import weights_held

CLAIM = __doc__.splitlines()[0]
AS_SEEN = Model(nn.Identity(), PREPROCESS)  # any network for these pictures
OTHER = 1000  # seeds of the noise that is learned from: far from those of the noise test
MOVED = 3  # pixels by which what is shown is moved before it is judged
COLOURS = 0.5  # how far its colours are mixed: shapes shall tell, and what other networks would see


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    start: str = "clear"  # the network whose head is asked
    strength: PositiveFloat = 1.0  # how far its answers open its last channels, if it has any; weights don't tell
    shared: PositiveInt = SHARED  # places a side that share its gates; weights don't tell
    places: Annotated[int, Field(ge=2)] = 4  # a side of the grid that the head counts
    epochs: PositiveInt = 1
    steps: PositiveInt = 300
    draws: Annotated[int, Field(ge=2)] = 12  # pictures of noise in each step
    judges: Annotated[tuple[str, ...], Field(min_length=1)] = ("cifar10",)  # by spec or file, by lot: many fool less
    asked: NonNegativeFloat = 0.3  # how strongly classes are asked to be recognised
    kept: PositiveFloat = 2.0  # how strongly evidence and scores of real pictures are; 1.5 and 4 do much the same
    looked: PositiveInt = 48  # real pictures that say what channels find, each at one place
    told: PositiveInt = 1000  # real pictures whose scores are kept
    blurred: NonNegativeFloat = 0.7  # most noise on what judges are shown, so that they go by what is large
    plain_rate: PositiveFloat = 0.003  # of Adam, in shares of the evidence that the head hears at the start


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Tensor]:
    """The training as data and functions."""
    network = counting_places(config).to(device).eval()
    judges = [answers_of(name, config, device) for name in config.judges]
    train, _ = training_pictures(data, config.classes, config.holdout, config.batch)
    chosen = torch.randperm(len(train), generator=generator(seed, "looked"))[: config.told]
    real = normalised(train.pictures[chosen]).to(device)
    head, found, summed = network.head.weight, found_on(network, real[: config.looked]), summed_on(network, real)
    before, shares = head.detach().clone(), found / heard(head.detach(), found)
    said = apart(before, summed)

    def batches(epoch: int) -> Iterator[Tensor]:
        for step in range(config.steps):
            number = OTHER * (1 + seed) + epoch * config.steps + step
            yield noise(AS_SEEN, config.draws, seed=number).to(device)

    def loss(drawn: Tensor) -> Tensor:
        judge = judges[int(torch.randint(len(judges), ()))]
        asked = unrecognised(class_pictures(network, drawn), judge, config.blurred)
        moved = head - before
        strayed = heard(moved, shares) + apart(moved, summed) / said
        return config.asked * asked + config.kept * strayed

    return Task(
        module=network,
        optimizers=[Along(head, shares, config.plain_rate)],
        batches=batches,
        loss=loss,
        schedule=lambda progress: min(progress / config.warmup, (1 - progress) / (1 - config.warmup)),
        score=dict,
        epochs=config.epochs,
        steps=config.steps,
        seed=seed,
    )


def counting_places(config: Config) -> ClearNet:
    """The network to begin with, filters in whole numbers, its head spread over places; nothing but the head learns."""
    given = weights_of(config.start)
    network = like(given, len(config.classes), config.strength, config.places, config.shared, config.start)
    places = config.places**2
    one, columns = network.head.weight.shape[1] // places, given["head.weight"].shape[1]
    if columns == one:  # a mean over places
        given["head.weight"] = given["head.weight"].float().repeat_interleave(places, 1) / places
    elif columns != one * places:
        own = math.isqrt(columns // one)
        raise OptionError(
            f'places is {config.places}, but the head of "{config.start}" counts a grid of {own} x {own}; expected '
            f"that grid, or a head that is a mean over places; try places={own}"
        )
    took_over(network, given, config.start)
    network.values_in_integers()
    network.requires_grad_(False).head.requires_grad_(True)
    return network


def class_pictures(
    network: ClearNet, drawn: Float[Tensor, "draws 3 high wide"]
) -> Float[Tensor, "classes 3 high wide"]:
    """What the network has for each class on these pictures of noise, on the mean, as a picture that judges see."""
    drawn = drawn.requires_grad_(True)
    with weights_held(network):
        scores = network(PREPROCESS.normalise(drawn))
    toward = [torch.autograd.grad(each, drawn, create_graph=True)[0].mean(0) for each in scores.sum(0)]
    return PREPROCESS.normalise(shown(AS_SEEN, torch.stack(toward)))


def unrecognised(pictures: Float[Tensor, "classes 3 high wide"], judge: Teacher, blurred: float) -> Float[Tensor, ""]:
    """The judge's cross entropy where it should see each class in its picture.

    It sees them twice, moved by up to MOVED pixels, once mirrored, with more or less colour, other colours, more or
    less contrast, and noise.
    """
    moved = torch.randint(-MOVED, MOVED + 1, (2, 2)).tolist()
    seen = torch.cat([pictures.roll(moved[0], (2, 3)), pictures.roll(moved[1], (2, 3)).flip(-1)])
    louder, noisier, greyer = torch.rand(3, len(seen), 1, 1, 1).to(seen.device)
    mixing = torch.eye(3) + COLOURS / 2 * torch.randn(len(seen), 3, 3)
    seen = torch.lerp(seen, seen.mean(1, keepdim=True), COLOURS * greyer)
    seen = torch.einsum("nij,njyx->niyx", mixing.to(seen.device), seen)
    seen = (0.7 + 0.6 * louder) * seen + blurred * noisier * torch.randn(seen.shape).to(seen.device)
    return F.cross_entropy(judge(seen).float(), torch.arange(len(pictures), device=seen.device).repeat(2))


RECIPE = cifar_recipe("clear-noise", CLAIM, Config, task)

"""Three layers, no negative weight above the first: all that a unit says is evidence for.

cutaway train positive
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from cutaway.nets.zoo.positive_net import positive_net
from cutaway.training.cifar import Batch, Loss, Settings, cifar_recipe, cifar_task, entropy
from cutaway.training.loop import Task
from cutaway.training.teachers import teacher_of
from cutaway.whitebox import PositiveConv2d, weights_held

CLAIM = __doc__.splitlines()[0]
UNITS, DRAWS = 12, 6  # asked at every step, each on as many draws of noise
SEEN = 16  # pixels of noise: what a unit in the middle sees, and some around it


@dataclass(frozen=True)
class Config(Settings):
    """Every setting with its reason."""

    epochs: PositiveInt = 16  # 800,000 pictures shown: two hours of one core without tiles for bfloat16
    batch: PositiveInt = 125  # twice the steps of 250 at a tenth more time
    filter_rate: PositiveFloat = 0.07  # of Muon: lower than where the rate falls from the start, since it is held
    rising: PositiveFloat = 0.2  # epochs in which rates rise; `warmup` is not asked
    falling: PositiveFloat = 6.0  # last epochs, in which rates fall to zero; of a short training, four fifths
    plain_rate: PositiveFloat = 0.1  # of Adam, for all positivity but "least", which Muon trains as it does filters
    filters: PositiveInt = 256  # of the first layer, 6 x 6 over a stride of two; of many gates noise moves the sum less
    units: PositiveInt = 160  # of the second layer
    cases: PositiveInt = 2  # of a class, of which one suffices
    positivity: Literal["least", "softplus", "clamp", "square"] = "least"  # how a free number becomes a weight >= 0
    temperature: PositiveFloat = 1.0  # of the disjunction
    teacher: str = "cifar10"  # whose probabilities are a share of the labels; "" = labels alone
    taught: Annotated[float, Field(ge=0, le=1)] = 0.5  # that share
    asked: NonNegativeFloat = 0.5  # weight of what units disagree about on noise; 0 = they are not asked
    wanted: Annotated[float, Field(ge=0, le=1)] = 0.58  # mean cosine that is agreement enough; it counts from 0.5
    shared: PositiveInt = 3  # places a side that share a first filter's gate, so that units above it agree
    own: Annotated[float, Field(ge=0, le=1)] = 0.85  # of a gate; less makes more units agree, and costs points
    match: bool = True  # whether first filters are divided by the size of the patch before them


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""

    def network(classes: int) -> nn.Module:
        return positive_net(
            classes,
            config.filters,
            config.units,
            config.cases,
            config.temperature,
            config.positivity,
            match=config.match,
            shared=config.shared,
            own=config.own,
        )

    told = entropy(config, teacher_of(config.teacher, config, device) if config.teacher else None, config.taught)
    loss = asking(config, told) if config.asked else told
    whole = cifar_task(config, data, seed, device, network, loss=loss, plain=positive_weights)
    return replace(whole, schedule=lambda progress: share(config, progress * config.epochs))


def asking(config: Config, told: Loss) -> Loss:
    """What is told, and what units of the second layer show on noise: as much of it as they disagree about."""

    def loss(module: nn.Module, pictures: Tensor, targets: Tensor) -> Tensor:
        shortfall = (config.wanted - agreement(module)).clamp(min=0).mean()
        return told(module, pictures, targets) + config.asked * shortfall

    return loss


def agreement(module: nn.Module, units: int = UNITS, draws: int = DRAWS) -> Float[Tensor, " units"]:
    """The mean cosine between gradients on different noise of some units, drawn anew, at their middle place.

    As `metrics.unit_agreement` has it, but for noise that is as small as what a unit sees and that can be learned from.
    """
    layers = nn.Sequential(module.get_submodule("edges"), module.get_submodule("patterns"))
    training = module.training
    noise = torch.randn(units * draws, 3, SEEN, SEEN, device=next(module.parameters()).device).requires_grad_()
    try:
        with weights_held(layers.eval()):  # in eval, so that norms don't take noise for pictures
            maps = layers(noise)
            middle = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
            asked = torch.randint(middle.shape[1], (units,), device=noise.device).repeat_interleave(draws)
            (slopes,) = torch.autograd.grad(middle.gather(1, asked[:, None]).sum(), noise, create_graph=True)
    finally:
        layers.train(training)
    shown = F.normalize(slopes.flatten(1), dim=1, eps=1e-8).unflatten(0, (units, draws))
    cosines: Tensor = (shown.sum(1).square().sum(1) - draws) / (draws * (draws - 1))
    return cosines


def share(config: Config, epochs: float) -> float:
    """Which share of its rate an optimizer has after so many epochs: it rises, stays, and falls to zero at the end.

    Until it falls it doesn't depend on how long the training is, so a kept state can be taken further.
    """
    return min(epochs / config.rising, 1.0, (config.epochs - epochs) / min(config.falling, 0.8 * config.epochs))


def positive_weights(module: nn.Module) -> list[nn.Parameter]:
    """The free numbers behind weights that are positive one by one: Muon would hold their norm, which is their size.

    Those of "least" count but against one another, as any filter's do, and are left to Muon.
    """
    layers = [each for each in module.modules() if isinstance(each, PositiveConv2d) and each.positivity != "least"]
    return [parameter for layer in layers for parameter in layer.parameters()]


RECIPE = cifar_recipe("positive", CLAIM, Config, task)

"""A head for `clear` that is asked what its classes look like where there is nothing to see: the noise test, as a loss.

    cutaway train clear-noise --set start=RUN/weights.safetensors

Only the head learns, in one epoch. The gradient toward a class on noise is the head's weights times the slopes of the
channels below, which stay as they are: these are taken once, on noise drawn for it, and a frozen black box says what it
sees in their sum. The judge of the noise test is another network, and its noise other noise. What the head says is
told without the answers: with them, it learned to leave all to these (deaf to them, it was wrong).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from cutaway.metrics.noise import noise, shown
from cutaway.nets.model import Model
from cutaway.nets.zoo.clear_net import ClearNet
from cutaway.training.cifar import Batch, Teacher, cifar_recipe, cifar_task, took_over, weights_of
from cutaway.training.loop import Task
from cutaway.training.pictures import PREPROCESS
from cutaway.training.recipes import clear
from cutaway.training.teachers import answers_of
from cutaway.whitebox import weights_held

CLAIM = __doc__.splitlines()[0]
AS_SEEN = Model(nn.Identity(), PREPROCESS)  # any network for these pictures
OTHER = 1000  # the seed of the noise that is learned from: far from those of the noise test
MOVED = 3  # pixels by which what is shown is moved before it is judged: colours and shapes, not pixels, shall tell


@dataclass(frozen=True)
class Config(clear.Config):
    """Every setting with its reason; widths, strength and advisers as the network to begin with has them."""

    start: str = "clear"  # whose head is asked
    epochs: PositiveInt = 1  # 400 steps of a convex head
    noise: NonNegativeFloat = 0.3  # how strongly classes are asked; 0.1 is not enough, and 1 costs accuracy
    judge: str = "cifar10"  # who says what it sees
    draws: PositiveInt = 24  # pictures of noise whose slopes are taken; a random half of them counts in each step
    blurred: NonNegativeFloat = 0.5  # most noise on what the judge is shown, so that it goes by what is large
    plain_rate: float = 0.001  # of Adam, for the head


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Batch]:
    """The training as data and functions."""
    judge, told = answers_of(config.judge, config, device), clear.told(config)
    slopes: list[Tensor] = []  # of the channels on noise, taken when the network has its weights

    def begun(module: nn.Module, _: Tensor) -> None:
        assert isinstance(module, ClearNet)
        took_over(module, weights_of(config.start), config.start)
        slopes.append(channel_slopes(module.requires_grad_(False).eval(), config.draws, seed).to(device))
        module.head.requires_grad_(True)

    def loss(module: nn.Module, pictures: Tensor, targets: Tensor) -> Tensor:
        assert isinstance(module, ClearNet)
        some = slopes[0][torch.randperm(config.draws, device=device)[: -(-config.draws // 2)]].mean(0)
        asked = unrecognised(module.head.weight, some, judge, config.blurred)
        return told(module, pictures, targets) + config.noise * asked

    return cifar_task(config, data, seed, device, clear.network_of(config), begun=begun, loss=loss, plain=head)


def channel_slopes(network: ClearNet, draws: int, seed: int) -> Float[Tensor, "draws channels 3 high wide"]:
    """What each channel that the head is given shows on each picture of noise, weights held."""
    pictures = noise(Model(network, PREPROCESS), draws, seed=OTHER + seed).requires_grad_(True)
    with weights_held(network):
        channels = network.channels(PREPROCESS.normalise(pictures))
        return torch.stack(
            [torch.autograd.grad(each.sum(), pictures, retain_graph=True)[0] for each in channels.T], dim=1
        )


def unrecognised(
    weights: Float[Tensor, "classes channels"],
    slopes: Float[Tensor, "channels 3 high wide"],
    judge: Teacher,
    blurred: float,
) -> Float[Tensor, ""]:
    """The judge's cross entropy where it should see each class in what the head makes of these slopes.

    It sees them twice, moved by up to MOVED pixels, once mirrored, in more or less contrast, and with noise. The mean
    of all classes stands for their middle, which the network tells them against.
    """
    toward = torch.einsum("kc,cdyx->kdyx", weights - weights.mean(0), slopes)
    seen = PREPROCESS.normalise(shown(AS_SEEN, toward))
    y, x = torch.randint(-MOVED, MOVED + 1, (2, 2)).tolist()
    twice = torch.cat([seen.roll((y[0], x[0]), (2, 3)), seen.roll((y[1], x[1]), (2, 3)).flip(-1)])
    louder, noisier = torch.rand(2, len(twice), 1, 1, 1).to(twice.device)
    twice = (0.7 + 0.6 * louder) * twice + blurred * noisier * torch.randn(twice.shape).to(twice.device)
    return F.cross_entropy(judge(twice).float(), torch.arange(len(weights), device=twice.device).repeat(2))


def head(module: nn.Module) -> list[nn.Parameter]:
    """All that learns."""
    assert isinstance(module, ClearNet)
    return list(module.head.parameters())


RECIPE = cifar_recipe("clear-noise", CLAIM, Config, task)

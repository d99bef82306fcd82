"""Moved pictures: how far, in which direction, at what cost."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cutaway.core.seeds import generator
from cutaway.nets.preprocess import CIFAR10_STD
from cutaway.training.adversaries import and_moved, attacked, moved
from cutaway.training.recipe import configure
from cutaway.training.recipes import recipe

SPREAD = torch.tensor(CIFAR10_STD)[:, None, None]


def linear() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 6, 4))


def pictures() -> Tensor:
    return torch.rand(5, 3, 6, 6, generator=generator(1))


def test_a_move_has_its_length_in_pixels_and_goes_uphill() -> None:
    network, begun, targets = linear(), pictures(), torch.arange(5) % 4
    seen = begun / SPREAD
    seen.requires_grad_(True)
    (slope,) = torch.autograd.grad(F.cross_entropy(network(seen), targets), seen)
    ended = moved(seen.detach(), slope, 0.3)
    change = (ended - seen.detach()) * SPREAD
    torch.testing.assert_close(change.flatten(1).norm(dim=1), torch.full((5,), 0.3))
    for index in range(5):  # by the pixels: the chain rule divides by the spread once more
        by_pixel = slope[index] / SPREAD
        torch.testing.assert_close(change[index], 0.3 * by_pixel / by_pixel.norm())
    before, after = (F.cross_entropy(network(some), targets).detach() for some in (seen, ended))
    assert float(after) > float(before)


def test_a_picture_without_a_gradient_stays_where_it_is() -> None:
    assert torch.equal(moved(pictures(), torch.zeros(5, 3, 6, 6), 0.5), pictures())


def test_the_second_view_moves_up_the_gradient_of_the_first() -> None:
    network, targets = linear(), torch.arange(5) % 4
    views = and_moved(0.5)(network, pictures(), targets)
    first, _ = next(views)
    F.cross_entropy(network(first), targets).backward()
    second, again = next(views)
    assert torch.equal(again, targets)
    assert first.grad is not None
    torch.testing.assert_close(second, moved(first.detach(), first.grad, 0.5))
    assert next(views, None) is None


def test_an_attack_stays_in_its_ball_and_in_the_cube_and_raises_the_loss() -> None:
    network, targets = linear(), torch.arange(5) % 4
    ended = attacked(network, pictures(), targets, 0.4, 10)
    assert float((ended - pictures()).flatten(1).norm(dim=1).max()) <= 0.4 + 1e-5
    assert 0 <= float(ended.min()) <= float(ended.max()) <= 1
    before, after = (F.cross_entropy(network(some), targets, reduction="none") for some in (pictures(), ended))
    assert bool((after > before).all())
    # Of a linear network with two classes in play, the steepest way is a straight line: nothing in the ball is higher.
    pair = nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 6, 2, bias=False))
    middle = torch.full((1, 3, 6, 6), 0.5)
    weight = pair[1].weight
    assert isinstance(weight, Tensor)
    uphill = (weight[1] - weight[0]).detach().view(1, 3, 6, 6)
    best = middle + 0.4 * uphill / uphill.norm()
    torch.testing.assert_close(attacked(pair, middle, torch.tensor([0]), 0.4, 10), best, atol=1e-4, rtol=1e-4)


def test_a_recipe_with_two_views_makes_two_steps_of_a_batch(tiny_cifar: str) -> None:
    found = recipe("adversarial")
    config = configure(found.config, ["batch=16", "shift=1", 'classes=["airplane", "automobile"]'])
    task = found.task(config, tiny_cifar, 0, torch.device("cpu"))
    assert task.steps == 4
    count = 0
    for batch in task.batches(0):
        task.loss(batch).backward()
        count += 1
    assert count == 4

"""Evidence in its place: the loss as loops count it, what it does to a network, how gates learn from slopes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cutaway.nets.zoo.bias_free_net import bias_free_net
from cutaway.training.evidence import OTHERS, evidence, misplaced
from cutaway.whitebox import SoftGate, weights_held


def network() -> nn.Module:
    """A small network without offsets whose norms have seen two batches."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        module = bias_free_net(3, (6, 8), 4)
        for _ in range(2):
            module(torch.randn(8, 3, 8, 8))
    return module


def pictures(count: int) -> Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(2))


def test_it_is_the_share_of_positive_evidence_as_loops_count_it() -> None:
    module, inputs, targets = network().eval(), pictures(6), torch.tensor([0, 1, 2, 0, 1, 2])
    torch.manual_seed(5)
    found = float(misplaced(module, inputs, targets, 3).detach())
    torch.manual_seed(5)
    another = (targets + torch.randint(1, 3, (6,))) % 3
    right: list[float] = []
    wrong: list[float] = []
    for index, picture in enumerate(inputs):
        own = index % 3 == 0
        single = picture[None].clone().requires_grad_(True)
        with weights_held(module):
            score = module(single)[0, int(targets[index] if own else another[index])]
        (slope,) = torch.autograd.grad(score, single)
        pixels = (slope * picture)[0].sum(0).detach().flatten().tolist()
        (right if own else wrong).append(sum(max(each, 0.0) for each in pixels))
    mine, theirs = sum(right) / len(right), sum(wrong) / len(wrong)
    # Scores are computed in bfloat16 where that is quick.
    assert math.isclose(found, -math.log(mine / (mine + OTHERS * theirs)), rel_tol=0.03)


def test_evidence_adds_up_to_the_score_and_training_goes_on_as_before() -> None:
    module, inputs, asked = network().train(), pictures(4), torch.tensor([0, 1, 2, 0])
    before = {key: value.clone() for key, value in module.state_dict().items()}
    told = evidence(module, inputs, asked).detach().sum((1, 2))
    assert module.training
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())  # no norm has moved
    scores = module.eval()(inputs).gather(1, asked[:, None])[:, 0]
    torch.testing.assert_close(told, scores.detach(), rtol=0.05, atol=0.02 * float(scores.detach().abs().max()))


def test_a_network_learns_to_put_its_evidence_where_the_class_is() -> None:
    module, inputs, targets = network().train(), pictures(30), torch.arange(30) % 3
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], 0.01)
    torch.manual_seed(3)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = misplaced(module, inputs, targets, 3)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert abs(sum(losses[:3]) / 3 - math.log(1 + OTHERS)) < 0.5  # blind, as it begins
    assert sum(losses[-3:]) / 3 < 0.7 * sum(losses[:3]) / 3


def test_gates_learn_from_slopes() -> None:
    inputs = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)

    def slope(values: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(SoftGate(detach=True)(values).sum(), values, create_graph=True)
        return found

    density = torch.exp(-inputs.detach().square() / 2) / math.sqrt(2 * math.pi)
    (curve,) = torch.autograd.grad(slope(inputs).sum(), inputs)
    torch.testing.assert_close(curve, density)

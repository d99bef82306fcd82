"""How lessons are varied: parts laid into other pictures, parts painted over, and what that teaches."""

from __future__ import annotations

import torch

from cutaway.construct.learning import learn
from cutaway.construct.lessons import Lesson, erased, laid_in, painted
from cutaway.construct.networks import Spec

SIZE = 32


def company(count: int, seed: int) -> Lesson:
    """Noise; in half of the pictures a red square, always to the left of a green one that is nowhere else."""
    draw = torch.Generator().manual_seed(seed)
    pictures = (torch.rand(count, 3, SIZE, SIZE, generator=draw) * 120).to(torch.uint8)
    masks = torch.zeros(count, SIZE, SIZE)
    for index in range(1, count, 2):
        y, x = (int(v) for v in torch.randint(1, 17, (2,), generator=draw))
        pictures[index, :, y : y + 6, x : x + 6] = torch.tensor([230, 20, 20], dtype=torch.uint8)[:, None, None]
        pictures[index, :, y : y + 6, x + 7 : x + 13] = torch.tensor([20, 230, 20], dtype=torch.uint8)[:, None, None]
        masks[index, y : y + 6, x : x + 6] = 1
    shown = masks.flatten(1).any(dim=1)
    return Lesson(pictures, masks, torch.zeros_like(masks), shown, torch.ones(count, dtype=torch.bool))


def red_alone(count: int, seed: int) -> Lesson:
    """The same pictures without the green square."""
    lesson = company(count, seed)
    green = lesson.inputs[:, 1] > 200
    lesson.inputs[green[:, None].expand(-1, 3, -1, -1)] = 60
    return lesson


def test_a_part_is_laid_in_whole_and_nothing_else_changes() -> None:
    before = company(100, 0)
    after = laid_in(before, 0.2, torch.Generator().manual_seed(1))
    new = (after.masks == 1) & (before.masks == 0)
    changed = (after.inputs != before.inputs).any(dim=1)
    assert not bool((changed & (after.masks == 0)).any())
    assert bool((after.masks >= before.masks).all())
    assert torch.equal(after.inputs.movedim(1, 3)[new].unique(dim=0), torch.tensor([[230, 20, 20]], dtype=torch.uint8))
    fresh = ~before.present & after.present
    assert torch.equal(after.masks[fresh].flatten(1).sum(dim=1), torch.full((int(fresh.sum()),), 36.0))
    share = float(new.flatten(1).any(dim=1).float().mean())
    assert 0.05 < share < 0.2  # half of the sources show nothing
    assert torch.equal(after.present, after.masks.flatten(1).any(dim=1))


def test_what_is_too_small_to_be_seen_is_not_laid_in() -> None:
    before = company(100, 0)
    hidden = Lesson(before.inputs, before.masks, before.rivals, before.present, torch.zeros(100, dtype=torch.bool))
    assert torch.equal(laid_in(hidden, 0.2, torch.Generator().manual_seed(1)).inputs, before.inputs)


def test_an_erased_part_is_gone_and_its_company_stays() -> None:
    before = company(20, 0)
    after = erased(before)
    shown = before.only(before.present)
    assert len(after) == 10
    assert not bool(after.present.any() | after.masks.any())
    assert bool(after.clear.all())
    ring = torch.nn.functional.max_pool2d(shown.masks[:, None], 3, 1, 1)[:, 0] > 0
    assert torch.equal(after.inputs.movedim(1, 3)[~ring], shown.inputs.movedim(1, 3)[~ring])
    red = (after.inputs[:, 0] > 200) & (after.inputs[:, 1] < 60)
    assert not bool(red.any())
    assert bool(((after.inputs[:, 1] > 200).flatten(1).sum(dim=1) >= 30).all())


def test_holes_are_painted_from_around() -> None:
    ramp = torch.linspace(0, 248, SIZE).expand(1, 3, SIZE, SIZE).round().to(torch.uint8)
    hole = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    hole[..., 8:20, 10:18] = True
    flat = torch.full_like(ramp, 90)
    assert torch.equal(painted(torch.where(hole, 255, flat).to(torch.uint8), hole), flat)
    inside = hole.expand_as(ramp)
    error = (painted(torch.where(hole, 255, ramp).to(torch.uint8), hole).float() - ramp.float())[inside].abs()
    assert float(error.max()) < 8 * 6  # eight grey values a step: never further off than the hole's edge
    assert float(error.mean()) < 20
    assert bool((painted(ramp, torch.ones_like(hole)) == 128).all())  # where nothing is left: grey


def test_a_leaf_knows_its_part_by_itself() -> None:
    learned = learn(Spec(size=SIZE, width=6, epochs=8), company(300, 0), company(80, 1))

    def fires(lesson: Lesson) -> float:
        with torch.no_grad():
            field = learned.net(lesson.inputs[lesson.present].float() / 255)
            return float((learned.net.presence(field) > learned.spec.threshold).float().mean())

    gone = company(80, 2)
    gone.inputs[gone.masks[:, None].expand(-1, 3, -1, -1) > 0] = 60
    assert fires(company(80, 2)) > 0.95
    assert fires(red_alone(80, 2)) > 0.9  # without its company
    assert fires(gone) < 0.1  # the company alone

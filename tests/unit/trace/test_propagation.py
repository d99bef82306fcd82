"""Propagation: coordinates move as numbers move, and what cannot be followed lies nowhere and sees everything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cutaway.trace.coordinates import Coordinates, of_pictures
from cutaway.trace.propagation import Propagation

HEIGHT, WIDTH = 6, 8


def after(run: Callable[[Tensor], Tensor]) -> Coordinates | None:
    """The coordinates of what a function makes of two pictures."""
    pictures = torch.rand(2, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), Propagation(pictures, of_pictures(pictures)) as watch:
        result = run(pictures)
    return watch.coordinates(result)


def as_numbers(run: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The slow way for functions that only move numbers: move numbers that are themselves the coordinates."""
    rows = torch.arange(HEIGHT).add(0.5).div(HEIGHT)[:, None].expand(2, 3, HEIGHT, WIDTH)
    columns = torch.arange(WIDTH).add(0.5).div(WIDTH).expand(2, 3, HEIGHT, WIDTH)
    return run(rows.clone()), run(columns.clone())


MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "tokens": lambda x: x.flatten(2).transpose(1, 2),
    "windows": lambda x: x.unfold(2, 3, 3).unfold(3, 2, 2).permute(0, 2, 3, 4, 5, 1).reshape(-1, 6, 3),
    "roll": lambda x: torch.roll(x, (1, -2), (2, 3)),
    "flip": lambda x: x.flip(3),
    "cut": lambda x: x[:, 1:, 2:5, ::2],
    "chunks": lambda x: torch.cat(x.chunk(2, dim=3)[::-1], dim=3),
    "stack": lambda x: torch.stack([x, x.flip(2)], dim=1).flatten(1, 2),
    "index": lambda x: x.flatten(2)[:, :, torch.tensor([5, 0, 40])],
    "gathered": lambda x: x.index_select(2, torch.tensor([3, 1])),
    "shuffle": lambda x: F.pixel_unshuffle(x, 2),
    "repeat": lambda x: x.repeat(1, 2, 1, 1),
    "copied": lambda x: torch.empty_like(x).copy_(x.flip(2)),
    "unfold": lambda x: F.unfold(x, 2, stride=2),
    "channels": lambda x: x.flatten(1),
}


@pytest.mark.parametrize("name", MOVES)
def test_coordinates_move_as_numbers_do(name: str) -> None:
    found, expected = after(MOVES[name]), as_numbers(MOVES[name])
    assert found is not None
    assert found.shape == expected[0].shape
    for place, moved in zip(found.places[1:], expected, strict=True):
        assert torch.allclose(place, moved)


@pytest.mark.parametrize(
    "run",
    [
        lambda x: x.sort(dim=3).values,
        lambda x: torch.fft.rfft2(x).real,
        lambda x: x.cumsum(dim=2),
        lambda x: x.topk(2, dim=3).values,
        lambda x: F.grid_sample(x, torch.rand(2, 4, 4, 2), align_corners=False),
    ],
    ids=["sort", "fft", "cumsum", "topk", "grid_sample"],
)
def test_what_cannot_be_followed_lies_nowhere_and_sees_everything(run: Callable[[Tensor], Tensor]) -> None:
    found = after(run)
    assert found is not None
    assert all(place.isnan().all() for place in found.places)
    seen = [float(each.max()) for each in found.reach]
    assert seen == [0, 0, HEIGHT, WIDTH]


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("options", [(3, 2, 1), (2, 2, 0), (3, 1, 0), (3, 3, 1)])
@pytest.mark.parametrize("ceil", [False, True])
def test_windows_see_what_torchs_windows_see(kind: str, options: tuple[int, int, int], ceil: bool) -> None:
    pool = F.max_pool2d if kind == "max" else F.avg_pool2d
    found = after(lambda x: pool(x, *options, ceil_mode=ceil))
    rows = torch.arange(HEIGHT).float()[:, None].expand(1, 1, HEIGHT, WIDTH)
    far = F.max_pool2d(rows, *options, ceil_mode=ceil)[0, 0] + 1
    near = -F.max_pool2d(-rows, *options, ceil_mode=ceil)[0, 0]
    assert found is not None
    assert torch.equal(found.reach[2][0, 0], far)
    assert torch.equal(-found.reach[0][0, 0], near)


def test_every_number_of_a_convolution_lies_in_the_middle_of_its_window() -> None:
    weight = torch.rand(4, 3, 3, 3)
    found = after(lambda x: F.conv2d(x, weight, stride=2, padding=1))
    assert found is not None
    rows = (torch.tensor([0, 2, 4]) + 0.5) / HEIGHT
    assert torch.allclose(found.places[1][0, 2, :, 1], rows)


def test_global_means_lie_nowhere_and_what_they_gate_stays_where_it_was() -> None:
    mean = after(lambda x: x.mean(dim=(2, 3), keepdim=True))
    gated = after(lambda x: x * x.mean(dim=(2, 3), keepdim=True).sigmoid())
    plain = after(lambda x: x + 0)
    assert mean is not None
    assert gated is not None
    assert plain is not None
    assert mean.places[1].isnan().all()
    assert torch.equal(gated.places[1], plain.places[1])
    assert float(gated.reach[2].min()) == HEIGHT


def test_tensors_that_come_from_no_picture_have_no_coordinates() -> None:
    assert after(lambda x: torch.ones(3)) is None

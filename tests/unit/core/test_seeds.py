"""Seeds: one purpose's draws neither repeat nor disturb another's."""

from __future__ import annotations

import torch

from cutaway.core.seeds import generator


def draw(*arguments: object) -> torch.Tensor:
    return torch.rand(4, generator=generator(*arguments))  # type: ignore[arg-type]


def test_one_seed_and_purpose_repeat_bit_for_bit() -> None:
    assert torch.equal(draw(3, "noise"), draw(3, "noise"))


def test_seeds_and_purposes_are_told_apart() -> None:
    draws = [draw(3, "noise"), draw(4, "noise"), draw(3, "start"), draw(3)]
    assert all(not torch.equal(one, other) for index, one in enumerate(draws) for other in draws[:index])


def test_the_global_stream_is_left_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    draw(3, "noise")
    assert torch.equal(torch.rand(2), expected)

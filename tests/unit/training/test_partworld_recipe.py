"""The PartWorld recipe on a handful of scenes: what a batch holds, and a run from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from cutaway.cli.train import train
from cutaway.core.errors import DataError
from cutaway.core.seeds import generator
from cutaway.data.partworld import LABELS, PartWorld
from cutaway.nets.zoo.partworld import partworld_net
from cutaway.training.recipes import partworld as recipe

SPEC = "partworld:40?seed=1&size=32"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "PROBE", 20)


def test_drawn_pictures_are_those_of_the_world() -> None:
    world = PartWorld(40, 1, size=32)
    pictures, targets = recipe.drawn(world)
    assert targets.tolist() == [index % len(LABELS) for index in range(40)]
    for index in (0, 13, 39):
        assert torch.equal(pictures[index].float() / 255, world[index].picture)


def test_varied_pictures_are_windows_of_their_own_picture() -> None:
    pictures, _ = recipe.drawn(PartWorld(10, 1, size=32))
    places = set()
    for picture, other in zip(pictures, recipe.varied(pictures, 2, generator(3)), strict=True):
        found = [
            (y, x, turned)
            for y in range(5)
            for x in range(5)
            for turned in (False, True)
            if torch.equal((other.flip(-1) if turned else other)[:, 2:-2, 2:-2], picture[:, y : y + 28, x : x + 28])
        ]
        assert found
        places.add(found[0])
    assert len(places) > 5


def test_batches_repeat_and_are_normalised() -> None:
    task = recipe.task(recipe.Config(batch=20), SPEC, 0, torch.device("cpu"))
    once, again = list(task.batches(0)), list(task.batches(0))
    assert len(once) == task.steps == 2
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(once, again, strict=True))
    assert -2 <= float(once[0][0].min()) < 0 < float(once[0][0].max()) <= 2
    assert not torch.equal(once[0][0], next(iter(task.batches(1)))[0])


def test_a_run_from_end_to_end(tmp_path: Path) -> None:
    train("partworld", SPEC, tmp_path, 1, False, ["epochs=1", "batch=20", "scored=20"], "cpu", False)
    card = json.loads((tmp_path / "seed0" / "card.json").read_text())
    assert card["scores"]["n"] == 20
    assert 0 <= card["scores"]["accuracy"] <= 1
    assert card["data"] == SPEC
    assert card["bytes"] < 2_000_000


def test_the_network_keeps_a_grid_of_eight() -> None:
    module = partworld_net().eval()
    grids: dict[str, torch.Size] = {}
    module.get_submodule("stage3").register_forward_hook(lambda _m, _i, out: grids.update(stage3=out.shape))
    with torch.no_grad():
        assert module(torch.zeros(2, 3, 64, 64)).shape == (2, 20)
    assert grids["stage3"][2:] == (8, 8)
    assert isinstance(module.get_submodule("head"), nn.Linear)


def test_other_data_is_refused() -> None:
    with pytest.raises(DataError, match="no data format"):
        recipe.opened("partwurld:40")

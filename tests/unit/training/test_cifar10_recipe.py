"""The CIFAR-10 recipe on a handful of drawn pictures: what a batch holds, what is held out, a run from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cutaway.cli.train import train
from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.data.cifar10 import LABELS, open_cifar10
from cutaway.training.pictures import crops, normalised, training_pictures
from cutaway.training.recipes.cifar10 import Config, task

N = 48


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tiny CIFAR-10 in binary batches: dark pictures are airplanes, bright ones automobiles, with noise on top."""
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    draw = generator(0, "pictures")
    for name in ("data_batch_1.bin", "test_batch.bin"):
        labels = torch.arange(N) % 2
        noise = torch.randint(60, (N, 3072), generator=draw)
        rows = torch.cat([labels[:, None], noise + 150 * labels[:, None]], dim=1).to(torch.uint8)
        (folder / name).write_bytes(rows.numpy().tobytes())
    return f"cifar10:{folder}"


def test_a_crop_is_a_window_of_its_own_picture_and_mirrored_where_told() -> None:
    draw = generator(1)
    padded = torch.randint(256, (20, 3, 36, 36), generator=draw).to(torch.uint8)
    mirrored = torch.arange(20) % 3 == 0
    cropped = crops(padded, mirrored, draw)
    places = set()
    for picture, turned, crop in zip(padded, mirrored, cropped, strict=True):
        straight = crop.flip(-1) if turned else crop
        found = [
            (y, x) for y in range(5) for x in range(5) if torch.equal(picture[:, y : y + 32, x : x + 32], straight)
        ]
        assert len(found) == 1
        places.update(found)
    assert len(places) > 8  # 20 draws from 25 places


def test_every_picture_shows_both_its_sides_in_any_two_epochs(data: str) -> None:
    config = Config(batch=N, shift=1)
    whole = open_cifar10(Path(data.removeprefix("cifar10:")), "train")
    job = task(config, data, 0, torch.device("cpu"))
    sides: list[torch.Tensor] = []
    for epoch in (3, 4):
        ((pictures, _),) = job.batches(epoch)
        order = torch.randperm(N, generator=generator(0, "batches", epoch))
        middle = normalised(whole.pictures[order])[:, :, 8:24, 8:24]
        # A shift of one pixel moves both windows; among the nine places, one fits the straight or the turned picture.
        places = [(y, x) for y in (7, 8, 9) for x in (7, 8, 9)]
        straight = torch.stack(
            [(pictures[:, :, y : y + 16, x : x + 16] == middle).all(-1).all(-1).all(-1) for y, x in places]
        )
        sides.append(straight.any(0)[order.argsort()])
    assert torch.equal(sides[0], ~sides[1])
    assert 0 < int(sides[0].sum()) < N


def test_batches_depend_on_seed_and_epoch_alone(data: str) -> None:
    def first(seed: int, epoch: int) -> torch.Tensor:
        return next(iter(task(Config(batch=8), data, seed, torch.device("cpu")).batches(epoch)))[0]

    assert torch.equal(first(0, 2), first(0, 2))
    assert not torch.equal(first(0, 2), first(0, 3))
    assert not torch.equal(first(0, 2), first(1, 2))


def test_held_out_pictures_never_train(data: str) -> None:
    train_part, held = training_pictures(data, LABELS, holdout=16, batch=16)
    assert held is not None
    assert (len(train_part), len(held)) == (N - 16, 16)
    whole = open_cifar10(Path(data.removeprefix("cifar10:")), "train")
    assert torch.equal(torch.cat([train_part.pictures, held.pictures]), whole.pictures)
    assert training_pictures(data, LABELS, 0, 16)[1] is None


def test_nothing_left_to_train(data: str) -> None:
    with pytest.raises(OptionError, match=r"1 of 48 pictures are left to train; expected at least one batch \(8\)"):
        training_pictures(data, LABELS, holdout=47, batch=8)


def test_the_network_begins_from_the_seed_alone(data: str) -> None:
    def head(seed: int) -> torch.Tensor:
        return task(Config(batch=16), data, seed, torch.device("cpu")).module.get_parameter("head.weight")

    torch.manual_seed(9)
    first, second, other = head(0), head(0), head(1)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_verb_trains_scores_and_resumes(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["batch=16", "epochs=3", "shift=1"]
    train("cifar10", data, tmp_path / "out", 2, False, settings, "cpu", True)
    cards = json.loads(capsys.readouterr().out)
    assert [card["seed"] for card in cards] == [0, 1]
    assert cards[0]["scores"] == {"accuracy": cards[0]["scores"]["accuracy"], "n": N, "test_set": True}
    assert cards[0]["scores"]["accuracy"] > 0.9
    assert cards[0]["config"]["epochs"] == 3
    weights = tmp_path / "out" / "seed0" / "weights.safetensors"
    assert weights.stat().st_size == cards[0]["bytes"] < 2e6
    before = load_file(weights)
    train("cifar10", data, tmp_path / "out", 1, True, settings, "cpu", True)
    assert all(torch.equal(value, before[name]) for name, value in load_file(weights).items())


def test_a_run_with_held_out_pictures_leaves_the_test_set_alone(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(data.removeprefix("cifar10:"), "test_batch.bin").unlink()
    train("cifar10", data, tmp_path / "out", 1, False, ["batch=16", "epochs=1", "holdout=16"], "cpu", True)
    (card,) = json.loads(capsys.readouterr().out)
    assert (card["scores"]["n"], card["scores"]["test_set"]) == (16, False)

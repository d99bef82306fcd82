"""A recipe's run: what it leaves in its folder, and which mistakes it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from pydantic import PositiveInt
from safetensors.torch import load_file
from torch import Tensor, nn

from cutaway.core.errors import DataError, OptionError
from cutaway.training.loop import Scores, Task
from cutaway.training.recipe import Recipe, configure, half, run
from cutaway.training.recipes import RECIPES
from cutaway.training.recipes import recipe as find_recipe


@dataclass(frozen=True)
class Config:
    epochs: PositiveInt = 2
    rate: float = 0.1
    widths: tuple[int, ...] = (3,)
    mirrored: bool = True


def task(config: Config, data: str, seed: int, device: torch.device) -> Task[Tensor]:
    module = nn.Linear(3, 1)
    with torch.no_grad():
        module.weight.fill_(1 / 3 + seed)
    return Task(
        module,
        [torch.optim.SGD(module.parameters(), config.rate)],
        lambda epoch: iter([torch.full((2, 3), float(epoch))]),
        lambda batch: module(batch).square().mean(),
        lambda progress: 1.0,
        lambda: {"score": 1.0},
        config.epochs,
        1,
        seed,
    )


def score(config: Config, module: nn.Module, data: str, device: torch.device) -> Scores:
    assert isinstance(module, nn.Linear)
    return {"first_weight": float(module.weight[0, 0].detach()), "n": 1}


RECIPE = Recipe("tiny", "a line through points", "here", Config, task, score)


def quiet(_: str) -> None:
    pass


def test_a_run_leaves_everything_that_explains_it(tmp_path: Path) -> None:
    card = run(RECIPE, Config(epochs=3), "there", tmp_path, seed=5, report=quiet)
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json",
        "recipe.py",
        "scores.json",
        "checkpoint.safetensors",
        "weights.safetensors",
        "card.json",
    }
    assert json.loads((tmp_path / "card.json").read_text()) == json.loads(json.dumps(card))
    assert json.loads((tmp_path / "config.json").read_text())["config"]["epochs"] == 3
    assert (tmp_path / "recipe.py").read_text() == Path(__file__).read_text()
    assert [row["epoch"] for row in json.loads((tmp_path / "scores.json").read_text())] == [1, 2, 3]
    assert (card["seed"], card["data"], card["parameters"]) == (5, "there", 4)
    assert card["bytes"] == (tmp_path / "weights.safetensors").stat().st_size
    assert card["command"] == "cutaway train tiny --data there --seeds 6 --set epochs=3"


def test_the_card_scores_the_stored_half_precision(tmp_path: Path) -> None:
    card = run(RECIPE, Config(), "there", tmp_path, report=quiet)
    stored = load_file(tmp_path / "weights.safetensors")["weight"]
    trained = load_file(tmp_path / "checkpoint.safetensors")["module.weight"]
    assert stored.dtype == torch.float16
    assert card["scores"]["first_weight"] == float(stored[0, 0])
    assert float(stored[0, 0]) != float(trained[0, 0])  # else this test shows nothing


def test_a_folder_with_a_run_is_refused_or_resumed(tmp_path: Path) -> None:
    first = run(RECIPE, Config(), "there", tmp_path, report=quiet)
    with pytest.raises(
        DataError, match="holds a run already; expected an empty folder; try --resume, or another --out"
    ):
        run(RECIPE, Config(), "there", tmp_path, report=quiet)
    assert run(RECIPE, Config(), "there", tmp_path, resume=True, report=quiet)["sha256"] == first["sha256"]
    for change in [{"config": Config(rate=0.2)}, {"seed": 1}, {"data": "elsewhere"}]:
        changed = {"config": Config(), "data": "there", **change}
        with pytest.raises(DataError, match=r"holds a run with other settings; expected those in .*config.json"):
            run(RECIPE, folder=tmp_path, resume=True, report=quiet, **changed)


def test_a_run_that_never_began_binds_nobody(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"recipe": "tiny", "data": "a mistake"}))
    run(RECIPE, Config(), "there", tmp_path, resume=True, report=quiet)
    assert json.loads((tmp_path / "config.json").read_text())["data"] == "there"


def test_settings_are_read_by_the_type_of_their_field() -> None:
    assert configure(Config, []) == Config()
    given = configure(Config, ["epochs=7", "rate=1e-3", "mirrored=false", "widths=[1, 2]"])
    assert given == Config(7, 1e-3, (1, 2), False)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch=3", 'no setting "epoch"; expected one of epochs, rate, widths, mirrored; did you mean "epochs"'),
        ("epochs", '"epochs" sets nothing; expected key=value; the keys are epochs, rate, widths, mirrored'),
        ("epochs=many", 'epochs is "many"; input should be a valid integer.*; the default is 2'),
        ("epochs=0", 'epochs is "0"; input should be greater than 0; the default is 2'),
    ],
)
def test_a_wrong_setting_says_what_was_expected(setting: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        configure(Config, [setting])


def test_every_recipe_of_the_table_is_there_under_its_name() -> None:
    for name in RECIPES:
        found = find_recipe(name)
        assert found.name == name
        assert found.claim
        assert found.config()
    with pytest.raises(OptionError, match=r'no recipe "cifar"; expected one of .*cifar10.*did you mean "cifar10"'):
        find_recipe("cifar")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (torch.tensor([[0.5, -2.0]]), torch.float16),
        (torch.tensor([[127.0, -3.0]]), torch.int8),
        (torch.tensor([[128.0, 1.0]]), torch.float16),
        (torch.tensor([[127.0, 0.5]]), torch.float16),
        (torch.tensor([1e6, 0.5]), torch.float32),  # more than half precision has room for
        (torch.tensor(7), torch.int64),
    ],
)
def test_weights_are_stored_in_the_fewest_bytes_that_hold_them(value: torch.Tensor, stored: torch.dtype) -> None:
    assert half(value).dtype == stored
    torch.testing.assert_close(half(value).to(value), value)

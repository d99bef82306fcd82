"""Loading by spec: our own networks, files, overrides, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from cutaway.core.cache import hash_tensors
from cutaway.core.errors import CutawayError, MissingExtraError, ModelError, OptionError, WeightsError
from cutaway.nets import load
from cutaway.nets.sources import own, request

NETWORK = """
from dataclasses import dataclass
import torch
from torch import nn
from neighbour import WIDTH

@dataclass
class Config:
    width: int = WIDTH

class Net(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.conv = nn.Conv2d(3, Config().width, 3)
        self.head = nn.Linear(Config().width, classes)
    def forward(self, x):
        return self.head(self.conv(x).mean(dim=(2, 3)))

def factory(num_classes=3):
    return Net(num_classes)

def text():
    return "a network"

def fails():
    raise RuntimeError("no room")

ready = Net()
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "neighbour.py").write_text("WIDTH = 4\n")
    (tmp_path / "mine.py").write_text(NETWORK)
    return str(tmp_path / "mine.py")


def test_the_shipped_network_is_trained() -> None:
    model = load("cifar10")
    assert model.note == ""
    assert model.labels is not None
    assert model.labels[3] == "cat"
    assert model.spec == "cifar10"
    assert not model.module.training
    assert all(value.dtype == torch.float32 for value in model.module.parameters())


def test_an_architecture_of_ours_is_random_says_so_and_repeats() -> None:
    state = torch.get_rng_state()
    first, second = load("resnet20"), load("resnet20")
    assert "weights are random (seed 0)" in first.note
    assert first.weights_hash() == second.weights_hash()
    assert torch.equal(torch.get_rng_state(), state)


def test_the_shipped_architecture_without_its_weights() -> None:
    model = load("cifar10?weights=none")
    assert "random" in model.note
    assert model.weights_hash() != load("cifar10").weights_hash()


def test_another_number_of_classes() -> None:
    model = load("resnet20?classes=7")
    assert model(torch.rand(1, 3, 32, 32)).shape == (1, 7)
    assert model.labels is None


def test_public_weights_load_into_our_architectures(shared: Path) -> None:
    model = load(f"squeezenet1_1@{shared}/models/squeezenet1_1_imagenet.safetensors")
    assert model.note == ""
    same = load("squeezenet1_1", weights=shared / "models/squeezenet1_1_imagenet.safetensors")
    assert model.weights_hash() == same.weights_hash()
    with pytest.raises(WeightsError, match="seem to fit resnet20"):
        load("squeezenet1_1", weights=shared / "models/resnet20_cifar10.safetensors")


def test_labels_size_mean_and_std_from_the_user(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(list("abcdefghij")))
    model = load("resnet20", labels=tmp_path / "labels.json", size=40, mean=0.5, std=(0.1, 0.2, 0.3))
    assert model.label(2) == "c"
    assert model.preprocess.shape == (3, 40, 40)
    assert model.preprocess.mean == (0.5, 0.5, 0.5)
    assert model.preprocess.std == (0.1, 0.2, 0.3)
    assert load("resnet20", labels=list("abcdefghij")).label(9) == "j"


def test_a_users_own_file(file: str) -> None:
    model = load(f"{file}:factory")
    assert model(torch.rand(1, 3, 32, 32)).shape == (1, 3)
    assert model.name == "Net"
    assert load(f"{file}:factory").weights_hash() == model.weights_hash()
    assert load(f"{file}:factory?classes=5")(torch.rand(1, 3, 32, 32)).shape == (1, 5)
    assert load(f"{file}:Net").name == "Net"
    assert load(f"{file}:ready").name == "Net"


def test_a_users_own_file_with_weights(file: str, tmp_path: Path) -> None:
    torch.manual_seed(5)
    trained = load(f"{file}:factory").module
    torch.nn.init.normal_(trained.head.weight)
    torch.save(trained.state_dict(), tmp_path / "w.pt")
    model = load(f"{file}:factory@{tmp_path}/w.pt")
    assert hash_tensors(model.module.state_dict()) == hash_tensors(trained.state_dict())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (":factry", r'no "factry" in .* \(it has .*\); expected mine.py:FACTORY; did you mean "factory"'),
        ("", "names no factory .*; expected mine.py:FACTORY"),
        (":text", "gave a str; expected a torch.nn.Module or a cutaway.Model"),
        (":fails", "raised RuntimeError: no room; expected a function without arguments"),
    ],
)
def test_factories_that_make_no_network(file: str, name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load(f"{file}{name}")


def test_files_that_cannot_be_run(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ModelError, match=r"failed as it was run .ModuleNotFoundError: No module named"):
        load(f"{tmp_path}/bad.py:factory")
    with pytest.raises(ModelError, match=r"no such file; expected FILE.py:FACTORY; check the path"):
        load(f"{tmp_path}/absent.py:factory")


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("squeezenet1_2", ModelError, 'no model "squeezenet1_2" .*; did you mean "squeezenet1_1"'),
        ("keras:vgg", ModelError, 'no source of models "keras".*; expected torchvision:NAME, timm:NAME, hf:NAME'),
        ("resnet20?wieghts=none", OptionError, 'sets "wieghts"; expected weights=none or classes=N'),
        ("resnet20?weights=mine", OptionError, "sets weights=mine; expected weights=none, or @file"),
        ("resnet20?classes=0", OptionError, "sets classes=0; expected a whole number of at least 1"),
        ("resnet20@absent.safetensors", WeightsError, "absent.safetensors: no such file"),
    ],
)
def test_specs_that_cannot_be_loaded(spec: str, error: type[CutawayError], message: str) -> None:
    with pytest.raises(error, match=message):
        load(spec)


def test_weights_are_named_once() -> None:
    with pytest.raises(OptionError, match=r"names weights, and b.pt are given too"):
        load("resnet20@a.safetensors", weights="b.pt")


def test_a_shipped_network_whose_weights_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutaway.nets.zoo.WEIGHTS", tmp_path)
    with pytest.raises(WeightsError, match='the weights of the shipped network "cifar10" are not here'):
        own.load(request.parse("cifar10"))


def test_an_at_sign_in_a_path_is_no_weights_file() -> None:
    parsed = request.parse("hf:/home/me@host/model")
    assert (parsed.source, parsed.name, parsed.file) == ("hf", "/home/me@host/model", None)
    parsed = request.parse("/a@b/mine.py:factory@w.safetensors")
    assert (parsed.source, parsed.name, str(parsed.file)) == ("file", "/a@b/mine.py:factory", "w.safetensors")


@pytest.mark.parametrize("missing", ["timm", "torchvision"])
def test_a_missing_library_says_which_install_mends_it(missing: str) -> None:
    def build() -> None:
        raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)

    with pytest.raises(MissingExtraError, match=r"timm: needs an optional part .*cutaway\[zoo\]"):
        request.importing("timm", build)


def test_a_broken_torchvision_is_named_also_where_another_library_wanted_it() -> None:
    def build() -> None:
        try:
            raise RuntimeError("operator torchvision::nms does not exist")
        except RuntimeError as error:
            raise ModuleNotFoundError("Could not import module 'ViT'") from error

    with pytest.raises(
        ModelError, match=r"torchvision is installed but cannot be imported \(operator torchvision::nms"
    ):
        request.importing("transformers", build)

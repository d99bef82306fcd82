"""Weights from files: unwrapped, checked, and never run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from small_networks import Convnet, seeded
from torch import nn

from cutaway.core.cache import hash_tensors
from cutaway.core.errors import WeightsError
from cutaway.nets.checkpoint import load_weights, read_weights
from cutaway.nets.zoo import ZOO

SOURCE = seeded(Convnet, seed=1)
STATE = SOURCE.state_dict()


def loads(path: Path) -> bool:
    """Whether another Convnet holds the very same numbers after the weights were put into it."""
    network = seeded(Convnet, seed=2)
    load_weights(network, path)
    return hash_tensors(network.state_dict()) == hash_tensors(STATE)


def test_safetensors(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "w.safetensors")
    assert loads(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    "saved",
    [
        STATE,
        {"state_dict": STATE, "epoch": 3},
        {"model": {f"module.{name}": value for name, value in STATE.items()}, "optimizer": {"lr": 0.1}},
        {"state_dict": {f"_orig_mod.module.{name}": value for name, value in STATE.items()}},
        {name: value for name, value in STATE.items() if not name.endswith("num_batches_tracked")},
    ],
    ids=["plain", "in a state_dict", "parallel, in a model", "compiled", "without counters"],
)
def test_what_training_scripts_save(tmp_path: Path, saved: dict[str, Any]) -> None:
    torch.save(saved, tmp_path / "w.pt")
    assert loads(tmp_path / "w.pt")


def test_half_precision_is_read_into_float32(tmp_path: Path) -> None:
    save_file({name: value.half() if value.is_floating_point() else value for name, value in STATE.items()},
              tmp_path / "w.safetensors")  # fmt: skip
    network = seeded(Convnet, seed=2)
    load_weights(network, tmp_path / "w.safetensors")
    assert all(value.dtype == torch.float32 for value in network.parameters())
    assert torch.allclose(network.conv1.weight, STATE["conv1.weight"], atol=1e-3)


class Malice:
    """A pickle that would write a file as it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.mark, "ran"))


@pytest.mark.parametrize("torch_format", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path, torch_format: bool) -> None:
    mark, file = tmp_path / "mark", tmp_path / "w.pth"
    if torch_format:
        torch.save({"state_dict": Malice(mark)}, file)
    else:
        file.write_bytes(pickle.dumps(Malice(mark)))
    with pytest.raises(WeightsError, match="is a pickle that holds more than tensors, so that reading it could run"):
        read_weights(file)
    assert not mark.exists()


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "net.pt")
    with pytest.raises(WeightsError, match=r"try to save module.state_dict\(\) as .safetensors"):
        read_weights(tmp_path / "net.pt")


def test_a_pickle_named_safetensors(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="is no safetensors file"):
        read_weights(tmp_path / "w.safetensors")


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no such file; expected weights \(\.safetensors, \.pt, \.pth, \.bin\)"):
        read_weights(tmp_path / "w.pt")
    (tmp_path / "w.zip").write_bytes(b"")
    with pytest.raises(WeightsError, match="is no weights file by its name"):
        read_weights(tmp_path / "w.zip")
    (tmp_path / "w.pt").write_bytes(b"\x00" * 50)
    with pytest.raises(WeightsError):
        read_weights(tmp_path / "w.pt")
    torch.save({"epoch": 3}, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="holds keys epoch; expected named tensors"):
        read_weights(tmp_path / "w.pt")


def test_weights_of_another_network_are_counted_and_named(tmp_path: Path) -> None:
    save_file(ZOO["resnet20"].build().state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(WeightsError) as caught:
        load_weights(seeded(Convnet), tmp_path / "w.safetensors")
    message = str(caught.value)
    assert "does not fit Convnet: of 11 tensors" in message
    assert "missing (norm.weight" in message or "missing (conv1.bias" in message
    assert "unexpected (" in message
    assert "they seem to fit resnet20; try that model" in message


def test_another_number_of_classes_is_named_by_its_shape(tmp_path: Path) -> None:
    save_file(STATE | {"head.weight": torch.zeros(7, 8), "head.bias": torch.zeros(7)}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"2 of another shape \(head\.(bias|weight) \(7,.*\) instead of \(4,"):
        load_weights(seeded(Convnet), tmp_path / "w.safetensors")


def test_what_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    network = seeded(Convnet, seed=2)
    before = hash_tensors(network.state_dict())
    save_file({name: value for name, value in STATE.items() if name != "head.bias"}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"1 missing \(head.bias\)"):
        load_weights(network, tmp_path / "w.safetensors")
    assert hash_tensors(network.state_dict()) == before

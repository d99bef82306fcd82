"""Recipe `clear` on drawn pictures: what learns, and what stays."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from cutaway.training.loop import Task, fit
from cutaway.training.recipe import configure
from cutaway.training.recipes import recipe

CPU = torch.device("cpu")
CLASSES = '["airplane", "automobile"]'


def task_of(name: str, data: str, *settings: str, seed: int = 0) -> Task[tuple[torch.Tensor, torch.Tensor]]:
    found = recipe(name)
    small = (f"classes={CLASSES}", "batch=16", "shift=1", "widths=[8, 8]", *settings)
    return found.task(configure(found.config, small), data, seed, CPU)


def saved(module: nn.Module, path: Path) -> Path:
    save_file({key: value.contiguous() for key, value in module.state_dict().items()}, path)
    return path


def changed(task: Task[tuple[torch.Tensor, torch.Tensor]], folder: Path) -> set[str]:
    """What a training moves."""
    before = {key: value.clone() for key, value in task.module.state_dict().items()}
    fit(task, folder, report=lambda _: None)
    return {key for key, value in task.module.state_dict().items() if not torch.equal(value, before[key])}


def test_clear_learns_its_values_under_gates_and_advisers_that_stay(tiny_cifar: str, tmp_path: Path) -> None:
    gates = saved(task_of("cifar10", tiny_cifar).module, tmp_path / "gates.safetensors")
    other = saved(task_of("cifar10", tiny_cifar, "widths=[6, 10]", seed=1).module, tmp_path / "other.safetensors")
    task = task_of("clear", tiny_cifar, "epochs=1", f"start={gates}", f'advisers=["{other}"]')
    moved = changed(task, tmp_path / "run")
    assert {key.split(".")[0] for key in moved} == {"values", "head"}
    assert task.module.get_parameter("advisers.0.stage2.conv2.weight").shape[0] == 10


def test_from_nothing_gates_and_their_answer_learn_too(tiny_cifar: str, tmp_path: Path) -> None:
    moved = changed(task_of("clear", tiny_cifar, "epochs=1", "start="), tmp_path / "run")
    assert {"gates.head.weight", "gates.stage1.conv1.weight", "values.layer1.conv.weight", "head.weight"} <= moved

"""The one training loop: a recipe says what a batch, a loss and a score are; the loop trains, saves and resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from cutaway.core.cache import write_atomically
from cutaway.core.errors import DataError
from cutaway.core.memory import freed_memory_kept
from cutaway.core.seeds import generator

Batch = TypeVar("Batch")
CHECKPOINT = "checkpoint.safetensors"

Scores: TypeAlias = Mapping[str, float | int]
History: TypeAlias = list[dict[str, float | int]]
"""One row of scores per epoch."""


@dataclass(frozen=True)
class Task(Generic[Batch]):
    """One training as data and functions; nothing in it knows what a batch holds but the recipe's own functions.

    `batches(epoch)` gives the same batches whenever it is asked for the same epoch: that is what makes resuming exact.
    `schedule` maps progress in [0, 1] to the share of each optimizer's own rate. `score` is called after every epoch.
    """

    module: nn.Module
    optimizers: Sequence[Optimizer]
    batches: Callable[[int], Iterable[Batch]]
    loss: Callable[[Batch], Tensor]
    schedule: Callable[[float], float]
    score: Callable[[], Scores]
    epochs: int
    steps: int  # batches in one epoch
    seed: int


def fit(task: Task[Any], folder: Path, resume: bool = False, report: Callable[[str], object] = print) -> History:
    """Trains to the end and returns one row of scores per epoch; the module is left trained, in eval mode.

    After every epoch the whole state lies in `folder/checkpoint.safetensors`; with `resume` a killed run goes on from
    there and ends with the same weights, bit for bit on one machine.
    """
    history = restore(task, folder / CHECKPOINT) if resume and (folder / CHECKPOINT).exists() else []
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in task.optimizers]
    for epoch in range(len(history), task.epochs):
        begun = time.monotonic()
        loss = train_epoch(task, epoch, rates)
        task.module.eval()
        row: dict[str, float | int] = {
            "epoch": epoch + 1,
            "loss": loss,
            **task.score(),
            "seconds": time.monotonic() - begun,
        }
        history.append(row)
        save(task, folder / CHECKPOINT, history)
        report("  ".join(f"{name} {value:.4g}" for name, value in row.items()))
    task.module.eval()
    return history


def train_epoch(task: Task[Any], epoch: int, rates: Sequence[Sequence[float]]) -> float:
    """One pass over an epoch's batches; the mean of their losses."""
    task.module.train()
    total = torch.zeros(())
    # Dropout and other sampling layers draw from torch's global stream: it gets the epoch's own seed for the while.
    with torch.random.fork_rng(), freed_memory_kept():
        torch.manual_seed(generator(task.seed, "epoch", epoch).initial_seed())
        for step, batch in enumerate(task.batches(epoch)):
            share = task.schedule((epoch * task.steps + step) / (task.epochs * task.steps))
            for optimizer, base in zip(task.optimizers, rates, strict=True):
                for group, rate in zip(optimizer.param_groups, base, strict=True):
                    group["lr"] = rate * share
                optimizer.zero_grad()
            loss = task.loss(batch)
            loss.backward()
            for optimizer in task.optimizers:
                optimizer.step()
            total += loss.detach().float().cpu()
    return float(total) / task.steps


def save(task: Task[Any], path: Path, history: History) -> None:
    """Weights, buffers, optimizer state and scores in one safetensors file, written atomically."""
    tensors = {f"module.{name}": value for name, value in task.module.state_dict().items()}
    for number, optimizer in enumerate(task.optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{number}.{index}.{name}": value for name, value in state.items() if value is not None
            }
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_atomically(path, lambda beside: save_file(tensors, beside, {"history": json.dumps(history)}))


def restore(task: Task[Any], path: Path) -> History:
    """Puts a saved state back into the task's module and optimizers; a DataError where it is another network's."""
    with safe_open(path, "pt") as file:
        history: History = json.loads(file.metadata()["history"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # the file is no dict
    module = {name.removeprefix("module."): value for name, value in tensors.items() if name.startswith("module.")}
    try:
        task.module.load_state_dict(module)
    except RuntimeError:
        raise DataError(
            f"{path} holds the state of another network; expected this recipe's; train into an empty folder"
        ) from None
    for number, optimizer in enumerate(task.optimizers):
        whole = optimizer.state_dict()
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(f"optimizer.{number}."):
                _, _, index, name = key.split(".", 3)
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
    return history

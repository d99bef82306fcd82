"""The loop: it learns, repeats bit for bit, and a killed run that resumes ends with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

from cutaway.core.errors import DataError
from cutaway.core.seeds import generator
from cutaway.training.loop import CHECKPOINT, Task, fit
from cutaway.training.muon import Muon

N, STEPS = 96, 3


class KilledError(Exception):
    """Stands for the process that dies in the middle of an epoch."""


def tiny_task(die_at: int | None = None, seed: int = 0, width: int = 8, epochs: int = 4) -> Task[tuple[Tensor, Tensor]]:
    """Two classes of noisy stripes; normalisation, dropout and both kinds of optimizer, so that all state matters."""
    draw = generator(seed, "data")
    targets = torch.randint(2, (N,), generator=draw)
    stripes = torch.ones(N, 1, 8, 8)
    stripes[targets == 0, :, ::2] = -1.0
    stripes[targets == 1, :, :, ::2] = -1.0
    pictures = stripes + torch.randn(N, 1, 8, 8, generator=draw)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = nn.Sequential(
            nn.Conv2d(1, width, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.GELU(),
            nn.Dropout(0.2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, 2),
        )
    done = 0

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        nonlocal done
        for chosen in torch.randperm(N, generator=generator(seed, "order", epoch)).chunk(STEPS):
            if done == die_at:
                raise KilledError
            done += 1
            yield pictures[chosen], targets[chosen]

    filters = [p for p in module.parameters() if p.ndim == 4]
    rest = [p for p in module.parameters() if p.ndim < 4]
    return Task(
        module,
        [Muon(filters, 0.1), torch.optim.AdamW(rest, 0.02)],
        batches,
        lambda batch: F.cross_entropy(module(batch[0]), batch[1]),
        lambda progress: 1 - progress,
        lambda: {"accuracy": float((module(pictures).argmax(1) == targets).float().mean())},
        epochs,
        STEPS,
        seed,
    )


def quiet(_: str) -> None:
    pass


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().items(), b.state_dict().items(), strict=True)
    return all(left == right and torch.equal(x, y) for (left, x), (right, y) in pairs)


def test_it_learns_what_is_plain_to_see(tmp_path: Path) -> None:
    history = fit(tiny_task(epochs=12), tmp_path, report=quiet)
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["accuracy"] > 0.95


def test_one_seed_repeats_bit_for_bit_and_another_does_not(tmp_path: Path) -> None:
    tasks = [tiny_task(), tiny_task(), tiny_task(seed=1)]
    for number, task in enumerate(tasks):
        torch.manual_seed(number)  # the caller's own stream must not matter
        fit(task, tmp_path / str(number), report=quiet)
    assert same_weights(tasks[0].module, tasks[1].module)
    assert not same_weights(tasks[0].module, tasks[2].module)


@pytest.mark.parametrize("die_at", [1, STEPS, 2 * STEPS + 1])
def test_a_killed_run_resumes_to_identical_weights(tmp_path: Path, die_at: int) -> None:
    whole = tiny_task()
    straight = fit(whole, tmp_path / "whole", report=quiet)
    with pytest.raises(KilledError):
        fit(tiny_task(die_at=die_at), tmp_path / "killed", report=quiet)
    resumed = tiny_task()
    history = fit(resumed, tmp_path / "killed", resume=True, report=quiet)
    assert same_weights(whole.module, resumed.module)
    assert [row["loss"] for row in history] == [row["loss"] for row in straight]


def test_resuming_a_finished_run_trains_no_more(tmp_path: Path) -> None:
    first = tiny_task()
    fit(first, tmp_path, report=quiet)
    second = tiny_task(die_at=0)  # the first batch would raise
    assert len(fit(second, tmp_path, resume=True, report=quiet)) == 4
    assert same_weights(first.module, second.module)


def test_without_resume_it_starts_anew(tmp_path: Path) -> None:
    fit(tiny_task(epochs=1), tmp_path, report=quiet)
    assert len(fit(tiny_task(), tmp_path, report=quiet)) == 4


def test_the_callers_random_stream_is_left_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    fit(tiny_task(epochs=1), tmp_path, report=quiet)
    assert torch.equal(torch.rand(4), expected)


def test_rates_follow_the_schedule(tmp_path: Path) -> None:
    task = tiny_task(epochs=2)
    fit(task, tmp_path, report=quiet)
    last = 1 - (2 * STEPS - 1) / (2 * STEPS)
    assert task.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.1 * last)
    assert task.optimizers[1].param_groups[0]["lr"] == pytest.approx(0.02 * last)


def test_a_checkpoint_holds_weights_optimizers_and_scores_and_nothing_else_is_left(tmp_path: Path) -> None:
    fit(tiny_task(epochs=1), tmp_path, report=quiet)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]
    with safe_open(tmp_path / CHECKPOINT, "pt") as file:
        names = set(file.keys())
        assert "history" in file.metadata()
    assert {"module.0.weight", "optimizer.0.0.momentum_buffer", "optimizer.1.0.exp_avg", "optimizer.1.0.step"} <= names


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    fit(tiny_task(epochs=1), tmp_path, report=quiet)
    with pytest.raises(DataError, match="holds the state of another network; expected this recipe's"):
        fit(tiny_task(width=4), tmp_path, resume=True, report=quiet)

"""The work of a sweep: pictures in, sealed shards out. Every engine runs this, in one process or in many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cutaway.core import devices
from cutaway.core.memory import freed_memory_kept
from cutaway.core.types import Logits, Pictures
from cutaway.data.dataset import Dataset
from cutaway.nets.model import Model
from cutaway.store.instances import write_columns
from cutaway.store.plan import Plan
from cutaway.store.pooling import KINDS, Pooled, pool
from cutaway.store.reading import Reading, batches
from cutaway.store.said import columns
from cutaway.store.shard import array_name, shard_folder, write_folder
from cutaway.trace import Layout, layout
from cutaway.trace.taps import Tap, taps

LOGITS, ROWS = "logits.npy", "instances.parquet"


@dataclass(frozen=True)
class Work:
    """All that a worker needs; it travels to other processes as it is."""

    model: Model
    dataset: Dataset
    plan: Plan
    folder: Path


def sweep_shards(work: Work, shards: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Make the shards, one after the other; says after each batch which shard it was of and how many pictures it had.

    One thread decodes while torch's threads run the network. (A third that writes gains nothing: whatever runs beside
    the network holds up both of its threads.)
    """
    layouts = {layer.name: layout(work.model, layer.name) for layer in work.plan.layers}
    read = batches(work.dataset, work.plan, shards, work.model.preprocess)
    with freed_memory_kept():
        for shard, group in groupby(read, key=lambda batch: batch.shard):
            answers = []
            for batch in group:
                logits, pooled = forward(work.model, batch.pictures, layouts, work.plan.precision)
                answers.append(Answer(batch.readings, logits.float().cpu(), pooled))
                yield shard, len(batch.readings)
            write_folder(shard_folder(work.folder, shard), partial(_write, work, answers))


@dataclass(frozen=True)
class Answer:
    """What the network said to one batch, ready to be written."""

    readings: Sequence[Reading]
    logits: Logits
    pooled: Mapping[str, Pooled]


def forward(
    model: Model, pictures: Pictures, layouts: Mapping[str, Layout], precision: str
) -> tuple[Logits, dict[str, Pooled]]:
    """Logits, and each layer pooled in the moment in which it is made, so that no layer is kept."""
    found: dict[str, Pooled] = {}

    def keep(name: str) -> Tap:
        def tap(output: Tensor) -> None:
            found[name] = pool(layouts[name].to_grid(output))

        return tap

    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(devices.autocast(model.device, precision))
        module = stack.enter_context(model.in_use())
        stack.enter_context(taps(module, {name: keep(name) for name in layouts}))
        logits = model(pictures)
    return logits, found


def _write(work: Work, answers: Sequence[Answer], folder: Path) -> None:
    readings = [reading for answer in answers for reading in answer.readings]
    failed = np.array([reading.error is not None for reading in readings])
    logits = torch.cat([answer.logits for answer in answers])
    logits[failed] = torch.nan
    np.save(folder / LOGITS, logits.numpy())
    for number, layer in enumerate(work.plan.layers):
        for kind in KINDS:
            values = np.concatenate([getattr(answer.pooled[layer.name], kind) for answer in answers])
            values[failed] = 0 if kind == "place" else np.nan
            np.save(folder / array_name(kind, number), values)
    write_columns(columns(work.plan, readings, logits, work.model.probabilities(logits)), folder / ROWS)

"""The work of a sweep: pictures in, sealed shards out. Every engine runs this, in one process or in many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cutaway.core import devices
from cutaway.core.types import Logits, Pictures
from cutaway.data.dataset import Dataset
from cutaway.nets.model import Model
from cutaway.store.instances import facts_of, write_rows
from cutaway.store.plan import Plan
from cutaway.store.pooling import KINDS, Pooled, pool
from cutaway.store.reading import Reading, batches, file_of
from cutaway.store.shard import Seal, array_name, shard_folder, write_folder
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

    One thread decodes, torch's threads run the network, one thread takes notes and writes: a core that the network
    leaves idle for a moment has something to do.
    """
    layouts = {layer.name: layout(work.model, layer.name) for layer in work.plan.layers}
    read = batches(work.dataset, work.plan, shards, work.model.preprocess)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="cutaway writes shards") as writer:
        written: Future[Seal] | None = None
        for shard, group in groupby(read, key=lambda batch: batch.shard):
            answers = []
            for batch in group:
                logits, pooled = forward(work.model, batch.pictures, layouts, work.plan.precision)
                answers.append(writer.submit(_noted, work, batch.readings, logits, pooled))
                yield shard, len(batch.readings)
            if written:
                written.result()
            written = writer.submit(write_folder, shard_folder(work.folder, shard), partial(_write, work.plan, answers))
        if written:
            written.result()


@dataclass(frozen=True)
class _Answer:
    """What the network said to one batch, ready to be written."""

    logits: np.ndarray
    pooled: Sequence[Pooled]
    rows: Sequence[Mapping[str, Any]]


def _noted(work: Work, readings: Sequence[Reading], logits: Logits, pooled: Mapping[str, Pooled]) -> _Answer:
    failed = [number for number, reading in enumerate(readings) if reading.sample is None]
    values = logits.float().cpu()
    values[failed] = torch.nan
    for each in pooled.values():
        each.max[failed], each.mean[failed], each.place[failed] = np.nan, np.nan, 0
    rows = list(_rows(work, readings, values))
    return _Answer(values.numpy(), [pooled[layer.name] for layer in work.plan.layers], rows)


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
        stack.enter_context(torch.no_grad())
        stack.enter_context(devices.autocast(model.device, precision))
        module = stack.enter_context(model.in_use())
        stack.enter_context(taps(module, {name: keep(name) for name in layouts}))
        logits = model(pictures)
    return logits, found


def _rows(work: Work, readings: Sequence[Reading], logits: Tensor) -> Iterator[dict[str, Any]]:
    """One row of the instances table for each picture; one that could not be read says only why."""
    likely = work.model.probabilities(logits)
    exclusive = logits.shape[1] > 1 and not work.model.multilabel
    surprise = -(logits.log_softmax(dim=1) if exclusive else likely.clamp_min(1e-38).log())
    best = logits.nan_to_num(-torch.inf).topk(min(2, logits.shape[1]), dim=1)
    for number, (reading, order, top) in enumerate(
        zip(readings, best.indices.tolist(), best.values.tolist(), strict=True)
    ):
        row: dict[str, Any] = {"instance": reading.instance, "hash": reading.hash, "error": reading.error, "extra": {}}
        sample = reading.sample
        if sample is None:
            yield row | {"key": key_of(work.dataset, reading.instance)}
            continue
        row |= {
            "key": sample.key,
            "label": None if sample.label is None else work.plan.labels[sample.label],
            "prediction": work.model.label(order[0]),
            "prediction_index": order[0],
            "probability": float(likely[number, order[0]]),
            "captions": list(sample.captions) or None,
            "extra": facts_of(sample.extra),
        }
        if len(order) > 1:
            row |= {"runner_up": work.model.label(order[1]), "margin": top[0] - top[1]}
        truth = -1 if sample.label is None else work.plan.truth[sample.label]
        if truth >= 0:
            row |= {
                "label_index": truth,
                "label_probability": float(likely[number, truth]),
                "loss": float(surprise[number, truth]),
                "correct": order[0] == truth,
            }
        yield row


def key_of(dataset: Dataset, instance: int) -> str:
    """What names a picture that could not be read: its file below the data set's folder, or its number."""
    file, root = file_of(dataset, instance), getattr(dataset, "root", None)
    if file is None:
        return str(instance)
    return file.relative_to(root).as_posix() if isinstance(root, Path) and file.is_relative_to(root) else file.name


def _write(plan: Plan, notes: Sequence[Future[_Answer]], folder: Path) -> None:
    answers = [note.result() for note in notes]
    np.save(folder / LOGITS, np.concatenate([answer.logits for answer in answers]))
    for number in range(len(plan.layers)):
        for kind in KINDS:
            values = np.concatenate([getattr(answer.pooled[number], kind) for answer in answers])
            np.save(folder / array_name(kind, number), values)
    write_rows([row for answer in answers for row in answer.rows], folder / ROWS)

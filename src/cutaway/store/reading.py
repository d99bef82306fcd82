"""Reading: pictures of a data set as batches, decoded ahead of the network by one thread."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from cutaway.core.errors import CutawayError
from cutaway.core.types import Pictures
from cutaway.data.dataset import Dataset, Sample
from cutaway.nets.preprocess import Preprocess
from cutaway.store.instances import facts_of
from cutaway.store.plan import Plan

AHEAD = 2
"""Batches that wait decoded, so that memory does not grow with the data set."""


@dataclass(frozen=True)
class Reading:
    """What is known of one picture once it was read (the picture itself is let go), or why that failed.

    label: its index in the data set's labels. facts: what else the data set knows, flat.
    """

    instance: int
    key: str
    hash: str | None = None
    label: int | None = None
    captions: tuple[str, ...] = ()
    facts: Mapping[str, str | float | int | bool] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Batch:
    """Readings, and their pictures as the network takes them; a picture that failed is grey and counts for nothing."""

    shard: int
    readings: Sequence[Reading]
    pictures: Pictures


def read(dataset: Dataset, instance: int, preprocess: Preprocess) -> tuple[Reading, torch.Tensor]:
    """One picture and what is known of it. Whatever its file does wrong is recorded, not raised."""
    try:
        sample = dataset[instance]
        fitted, digest = preprocess.fit(sample.picture), picture_hash(dataset, instance, sample)
        facts = facts_of(sample.extra)
        return Reading(instance, sample.key, digest, sample.label, sample.captions, facts), fitted
    except (CutawayError, OSError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        return Reading(instance, key_of(dataset, instance), error=said[:500]), torch.full(preprocess.shape, 0.5)


def key_of(dataset: Dataset, instance: int) -> str:
    """What names a picture that could not be read: its file below the data set's folder, or its number."""
    file, root = file_of(dataset, instance), getattr(dataset, "root", None)
    if file is None:
        return str(instance)
    return file.relative_to(root).as_posix() if isinstance(root, Path) and file.is_relative_to(root) else file.name


def picture_hash(dataset: Dataset, instance: int, sample: Sample) -> str:
    """SHA-256 of the picture's file; of its pixels (as 32-bit floats) where it has none.

    A file's bytes are a tenth of its pixels, and hashing them costs next to nothing beside decoding them.
    """
    file = file_of(dataset, instance)
    if file is not None:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return hashlib.sha256(sample.picture.contiguous().numpy().data).hexdigest()


def file_of(dataset: Dataset, instance: int) -> Path | None:
    """The file that a picture comes from, for data sets that say so by a method `file(index)`."""
    ask = getattr(dataset, "file", None)
    found = ask(instance) if callable(ask) else None
    return found if isinstance(found, Path) else None


def batches(dataset: Dataset, plan: Plan, shards: Sequence[int], preprocess: Preprocess) -> Iterator[Batch]:
    """The batches of the shards in their order, read by one thread while the network works on those before.

    Leaving the loop early ends the thread.
    """
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(maxsize=AHEAD)
    left = threading.Event()

    def put(item: Batch | BaseException | None) -> None:
        while not left.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return

    def produce() -> None:
        try:
            for shard, span in [(number, span) for number in shards for span in plan.batches(number)]:
                if left.is_set():
                    return
                put(_batch(dataset, shard, span, preprocess))
            put(None)
        except BaseException as error:  # it belongs to the thread that waits for the batches
            put(error)

    thread = threading.Thread(target=produce, name="cutaway reads pictures", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        thread.join()


def _batch(dataset: Dataset, shard: int, span: range, preprocess: Preprocess) -> Batch:
    found = [read(dataset, instance, preprocess) for instance in span]
    channels, height, width = found[0][1].shape
    colours_last = np.empty((len(found), height, width, channels), dtype=np.float32)
    for place, (_, picture) in zip(colours_last, found, strict=True):
        place[:] = picture.permute(1, 2, 0).numpy()  # by NumPy, which leaves torch's threads to the network
    return Batch(shard, [reading for reading, _ in found], torch.from_numpy(colours_last).permute(0, 3, 1, 2))

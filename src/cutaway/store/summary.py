"""The summary of a store: for each unit its statistics and its strongest pictures, so that they are there at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt

from cutaway.nets.model import Model
from cutaway.store.instances import arrow, merged
from cutaway.store.plan import Plan
from cutaway.store.shard import Seal, array_name, read_array, shard_folder
from cutaway.store.work import ROWS
from cutaway.trace.survey import find_place

TOP = 64
"""Strongest pictures kept of each unit; more of them are found by a look at every picture."""

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
SAMPLE = 8192
"""Pictures, evenly spread over the data set, from which the quantiles are taken."""

STATISTICS = ("mean", "deviation", "active")
"""Of a unit's maxima over the pictures: mean, standard deviation, and the share that is above zero."""


def write_summary(store: Path, plan: Plan, seals: Sequence[Seal], model: Model, folder: Path) -> None:
    """Everything that is derived from the shards: it reads them once, layer by layer, in memory that does not grow."""
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="cutaway sums up") as two:
        table = two.submit(_write_table, store, plan, folder)
        list(two.map(partial(_write_layer, store, plan, seals, model, folder), range(len(plan.layers))))
        table.result()


def _write_table(store: Path, plan: Plan, folder: Path) -> None:
    table = merged((shard_folder(store, shard) / ROWS).read_bytes() for shard in range(plan.shards))
    arrow().parquet.write_table(table, folder / ROWS, compression="zstd")


def _write_layer(store: Path, plan: Plan, seals: Sequence[Seal], model: Model, folder: Path, number: int) -> None:
    layer = plan.layers[number]
    top, counted = _Top(layer.channels), _Moments(layer.channels)
    sampled = []
    for shard, largest, place in _shards(store, plan, seals, number):
        numbers = np.arange(plan.span(shard).start, plan.span(shard).stop)
        top.add(numbers, largest, place)
        counted.add(largest)
        sampled.append(largest[numbers % -(-plan.count // SAMPLE) == 0])
    values = np.concatenate(sampled)
    seen = values[~np.isnan(values).any(axis=1)]
    quantiles = np.quantile(seen, QUANTILES, axis=0) if len(seen) else np.full((len(QUANTILES), layer.channels), np.nan)
    np.save(folder / array_name("top", number), top.instances)
    np.save(folder / array_name("top-value", number), top.values)
    np.save(folder / array_name("top-place", number), top.places)
    np.save(folder / array_name("statistics", number), counted.result())
    np.save(folder / array_name("quantiles", number), quantiles.astype(np.float32))
    boxes = find_place(model, layer.name).boxes
    if boxes is not None:
        np.save(folder / array_name("boxes", number), boxes.numpy())


def _shards(
    store: Path, plan: Plan, seals: Sequence[Seal], layer: int
) -> Iterator[tuple[int, Float[np.ndarray, "n channels"], UInt[np.ndarray, "n channels"]]]:
    for shard, seal in enumerate(seals):
        folder = shard_folder(store, shard)
        yield (
            shard,
            read_array(folder, array_name("max", layer), seal),
            read_array(folder, array_name("place", layer), seal),
        )


class _Top:
    """The strongest pictures of each unit so far, strongest first; of equal ones the earlier."""

    def __init__(self, channels: int) -> None:
        self.instances = np.full((channels, 0), -1, dtype=np.int64)
        self.values = np.full((channels, 0), -np.inf, dtype=np.float32)
        self.places = np.zeros((channels, 0), dtype=np.uint32)

    def add(self, numbers: np.ndarray, largest: np.ndarray, place: np.ndarray) -> None:
        values = np.concatenate([self.values, np.nan_to_num(largest, nan=-np.inf).T], axis=1)
        order = strongest(values, TOP)
        rows = np.broadcast_to(numbers, (len(values), len(numbers)))
        self.values = np.take_along_axis(values, order, axis=1)
        self.instances = np.take_along_axis(np.concatenate([self.instances, rows], axis=1), order, axis=1)
        self.places = np.take_along_axis(
            np.concatenate([self.places, place.T.astype(np.uint32)], axis=1), order, axis=1
        )


def strongest(values: Float[np.ndarray, "rows n"], k: int) -> Int[np.ndarray, "rows k"]:
    """The columns of each row's k largest values, largest first, of equal ones the first.

    Each value and its column become one whole number (a float's bits, read as an integer, are in the order of the
    floats but for the sign), so that no two are equal and one sort says it all.
    """
    columns = values.shape[1]
    bits = (values + np.float32(0)).astype(np.float32).view(np.int32).astype(np.int64)  # + 0: -0 becomes 0
    ordered = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    keys = torch.from_numpy((ordered << 32) + np.arange(columns - 1, -1, -1))
    order: Int[np.ndarray, "rows k"] = columns - 1 - (keys.topk(min(k, columns), dim=1).values & 0xFFFFFFFF).numpy()
    return order


class _Moments:
    """Mean, deviation and share of active pictures of each unit, in double precision, without those that failed."""

    def __init__(self, channels: int) -> None:
        self.n = 0
        self.sums = np.zeros((3, channels))

    def add(self, largest: np.ndarray) -> None:
        seen = largest[~np.isnan(largest).any(axis=1)].astype(np.float64)
        self.n += len(seen)
        self.sums += np.stack([seen.sum(axis=0), (seen**2).sum(axis=0), (seen > 0).sum(axis=0)])

    def result(self) -> Float[np.ndarray, "3 channels"]:
        mean, square, active = self.sums / max(1, self.n)
        return np.stack([mean, np.sqrt(np.maximum(square - mean**2, 0)), active]).astype(np.float32)

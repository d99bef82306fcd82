"""The store: what a sweep found, open for questions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64

from cutaway.core.errors import StoreError, choose
from cutaway.core.types import Unit
from cutaway.data.dataset import Dataset
from cutaway.store.conditions import SECONDS, Instances
from cutaway.store.instances import arrow
from cutaway.store.matrix import Matrix, subset_sums
from cutaway.store.plan import Plan
from cutaway.store.projection import METHODS, Projection, Say, file_of, known_projection
from cutaway.store.sealed import Sealed
from cutaway.store.shard import array_name
from cutaway.store.summary import TOP
from cutaway.store.work import LOGITS, ROWS

POOLED = ("max", "mean")
WARM = 4 << 30
"""Bytes of arrays that are read ahead at most."""

REMEMBERED = 1024
"""Subsets by condition whose sums are kept: those of the classes are asked for again and again."""

Subset = str | Sequence[int] | np.ndarray
"""A SQL condition, or the numbers of pictures."""


@dataclass(frozen=True)
class Top:
    """One of the pictures that excite a unit most: its number, how much, and the place (row, column) where."""

    instance: int
    value: float
    place: tuple[int, int]


@dataclass(eq=False)
class Store:
    """A folder that a sweep wrote. Several threads may ask at once; answers are what was checked against its seals.

    files: what it is made of. dataset: where its pictures come from, if that is known.
    """

    files: Sealed
    dataset: Dataset | None = None
    _sums: dict[tuple[str, int, str], np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: str | PathLike[str], *, dataset: Dataset | None = None) -> Store:
        """The store in a folder, all its files of the right size; their bytes are checked before their first use.

        dataset: where its pictures come from, if not from the spec it was made with.
        A StoreError says what is wrong: no store, another version, unfinished, or damaged, and where.
        """
        return cls(Sealed.open(Path(path)), dataset)

    @property
    def folder(self) -> Path:
        return self.files.folder

    @property
    def plan(self) -> Plan:
        return self.files.plan

    def __len__(self) -> int:
        return self.plan.count

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(layer.name for layer in self.plan.layers)

    @cached_property
    def instances(self) -> Instances:
        """The instances table."""
        return Instances(arrow().parquet.read_table(self.files.summary_file(ROWS)))

    def query(self, where: str, seconds: float = SECONDS) -> Int64[np.ndarray, " n"]:
        """The numbers of the pictures for which a SQL condition over the instances table is true.

        Columns: see `cutaway.store.COLUMNS`, and whatever the data set knows. Safe to be given text from anyone.
        """
        return self.instances.where(where, seconds)

    def rows(self, instances: Sequence[int] | np.ndarray) -> list[dict[str, Any]]:
        """The rows of the instances table of these pictures, in the order asked."""
        found: list[dict[str, Any]] = self.instances.table.take(self.subset(instances)).to_pylist()
        return found

    def top(self, unit: str | Unit, k: int = 9, within: Subset | None = None, *, lowest: bool = False) -> list[Top]:
        """The k pictures that excite a unit most, strongest first (or least); `within` a subset, if one is given."""
        layer, channel = self._unit(unit)
        columns = self.plan.layers[layer].grid[1]
        if within is None and not lowest and k <= TOP:
            parts = [self.files.summary(kind, layer)[channel, :k] for kind in ("top", "top-value", "top-place")]
        else:
            chosen = np.arange(self.plan.count) if within is None else self.subset(within)
            values = self._rows(layer, "max", channel, chosen)
            order = np.argsort(values if lowest else -values, kind="stable")[:k]
            parts = [chosen[order], values[order], self._rows(layer, "place", channel, chosen[order])]
        rows = zip(*(part.tolist() for part in parts), strict=True)
        return [Top(number, value, divmod(int(place), columns)) for number, value, place in rows if np.isfinite(value)]

    def firing(self, unit: str | Unit, share: float = 0.05) -> Int64[np.ndarray, " n"]:
        """The pictures that excite a unit most (more than nothing), a share of all, in ascending order."""
        if not 0 < share <= 1:
            raise StoreError(f"share is {share:g}; expected more than 0 and at most 1")
        best = self.top(unit, max(1, round(share * self.plan.count)))
        return np.sort(np.array([each.instance for each in best if each.value > 0], dtype=np.int64))

    def strongest(self, instance: int, layer: str, k: int = 9) -> list[tuple[int, float]]:
        """The k channels of a layer that are most unusually strong for one picture: (channel, standard deviations above
        the channel's mean over all pictures)."""
        number = self.plan.layer(layer)
        values = self.values(layer, [instance])[0]
        mean, deviation, _ = self.files.summary("statistics", number)
        unusual = (values - mean) / np.where(deviation > 0, deviation, np.inf)
        order = np.argsort(-np.nan_to_num(unusual, nan=-np.inf), kind="stable")[:k]
        return [(int(channel), float(unusual[channel])) for channel in order]

    def values(
        self, layer: str, instances: Sequence[int] | np.ndarray, pooled: str = "max"
    ) -> Float32[np.ndarray, "n channels"]:
        """What each unit of a layer answered to each of these pictures: its maximum, or its mean, over the grid."""
        kind = choose(pooled, POOLED, "pooling")
        return self._rows(self.plan.layer(layer), kind, slice(None), self.subset(instances))

    def matrix(self, layer: str, subsets: Mapping[str, Subset], pooled: str = "max") -> Matrix:
        """Each unit's mean over each subset: name -> a SQL condition or numbers of pictures (the matrix of ActiVis,
        Kahng et al. 2018). Pictures that could not be read count in none; an empty subset's column is NaN."""
        kind, number = choose(pooled, POOLED, "pooling"), self.plan.layer(layer)
        chosen = [np.setdiff1d(self.subset(given), self.failed) for given in subsets.values()]
        known = [
            self._sums.get((kind, number, given)) if isinstance(given, str) else None for given in subsets.values()
        ]
        fresh = [row for row, sums in enumerate(known) if sums is None]
        blocks = [partial(self.files.pooled, kind, number, shard) for shard in range(self.plan.shards)]
        whole = not self.failed.size
        found = dict(
            zip(fresh, subset_sums(self.plan, number, blocks, [chosen[row] for row in fresh], whole), strict=True)
        )
        for row, given in enumerate(subsets.values()):
            if row in found and isinstance(given, str) and len(self._sums) < REMEMBERED:
                self._sums[kind, number, given] = found[row]  # the arrays never change
        sums = np.stack([found[row] if each is None else each for row, each in enumerate(known)])
        counts = [len(numbers) for numbers in chosen]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / np.array(counts, dtype=np.float32)[:, None]
        return Matrix(layer, tuple(subsets), tuple(counts), np.ascontiguousarray(means.T))

    def neighbours(self, instance: int, layer: str, k: int = 9, pooled: str = "mean") -> list[tuple[int, float]]:
        """The k pictures whose units answered most alike (cosine of the pooled activations), nearest first."""
        number = self.plan.layer(layer)
        kind = choose(pooled, POOLED, "pooling")
        query = torch.from_numpy(self._rows(number, kind, slice(None), self.subset([instance]))[0])
        found = [
            torch.from_numpy(np.asarray(self.files.pooled(kind, number, shard))) @ query
            for shard in range(self.plan.shards)
        ]
        likeness = (torch.cat(found) / (self._norms(kind, number) * query.norm()).clamp_min(1e-12)).nan_to_num(-2.0)
        likeness[instance] = -2.0
        best = likeness.topk(min(k, len(likeness)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(number, value) for number, value in pairs if value > -2]

    def project(
        self,
        layer: str,
        method: str = "pca",
        seed: int = 0,
        *,
        progress: Say | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Projection:
        """A map of the pictures by what a layer answered: "pca" at once, "tsne" in a minute; kept in the store."""
        choose(method, METHODS, "projection")
        self.plan.layer(layer)
        return known_projection(
            self.folder, layer, method, seed, lambda: self.values(layer, range(len(self)), "mean"), progress, stop
        )

    def has_projection(self, layer: str, method: str, seed: int = 0) -> bool:
        """Whether a projection is in the store already."""
        return file_of(self.folder, layer, method, seed).is_file()

    def statistics(self, layer: str) -> dict[str, Float[np.ndarray, "*kinds channels"]]:
        """Per unit, of its maxima over all pictures: mean, deviation, share of active ones, quantiles."""
        number = self.plan.layer(layer)
        mean, deviation, active = self.files.summary("statistics", number)
        return {
            "mean": mean,
            "deviation": deviation,
            "active": active,
            "quantiles": self.files.summary("quantiles", number),
        }

    def box(self, layer: str, place: tuple[int, int]) -> tuple[int, int, int, int] | None:
        """What a unit sees from a place of its grid: (top, left, bottom, right) in pixels of the network's input."""
        number = self.plan.layer(layer)
        if array_name("boxes", number) not in self.files.summary_seal.files:
            return None
        top, left, bottom, right = self.files.summary("boxes", number)[:, place[0], place[1]].astype(int).tolist()
        return top, left, bottom, right

    def logits(self, instance: int) -> Float32[np.ndarray, " classes"]:
        """What the network said to a picture."""
        shard, row = divmod(int(self.subset([instance])[0]), self.plan.shard_size)
        found: np.ndarray = self.files.shard(shard, LOGITS)[row]
        return np.array(found)

    @cached_property
    def failed(self) -> Int64[np.ndarray, " n"]:
        """The pictures that could not be read."""
        column = self.instances.table["error"].is_valid().to_numpy()
        return np.flatnonzero(column)

    def subset(self, given: Subset) -> Int64[np.ndarray, " n"]:
        """The numbers of the pictures in a subset, as an array; a StoreError where there is no such picture."""
        if isinstance(given, str):
            return self.query(given)
        numbers = np.asarray(given, dtype=np.int64).reshape(-1)
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= self.plan.count):
            raise StoreError(
                f"no picture {int(numbers.max() if numbers.min() >= 0 else numbers.min())}; expected 0 to "
                f"{self.plan.count - 1}"
            )
        return numbers

    def warm(self, most: int = WARM) -> None:
        """Read and check ahead what questions will need, and make the first maps; nothing beyond `most` bytes.

        What is damaged is said to the one who asks for it, not here.
        """
        if self.files.size(POOLED) > most:
            return
        with contextlib.suppress(StoreError):
            for number, layer in enumerate(self.layers):
                self.statistics(layer)
                for kind, shard in product(POOLED, range(self.plan.shards)):
                    self.files.pooled(kind, number, shard)
                self._norms("mean", number)
                self.project(layer)

    def damaged(self) -> list[str]:
        """Every file that is not as it was sealed, found by reading all of them."""
        return self.files.damaged()

    def _unit(self, unit: str | Unit) -> tuple[int, int]:
        found = Unit.parse(unit)
        layer = self.plan.layer(found.layer)
        channels = self.plan.layers[layer].channels
        if not 0 <= found.channel < channels:
            raise StoreError(f'no unit "{found}"; expected a channel from 0 to {channels - 1}')
        return layer, found.channel

    def _rows(self, layer: int, kind: str, channel: int | slice, chosen: np.ndarray) -> np.ndarray:
        """Values of a layer for the chosen pictures, in their order, read from one shard after the other."""
        shards, rows = np.divmod(chosen, self.plan.shard_size)
        first = self.files.pooled(kind, layer, 0)
        found = np.empty((len(chosen), *np.empty(first.shape[1:])[channel].shape), dtype=first.dtype)
        for shard in np.unique(shards):
            here = np.flatnonzero(shards == shard)
            found[here] = self.files.pooled(kind, layer, int(shard))[rows[here], channel]
        return found

    def _norms(self, kind: str, layer: int) -> torch.Tensor:
        found: torch.Tensor = self.files.kept(
            (f"norms {kind}", layer),
            lambda: torch.cat(
                [
                    torch.from_numpy(np.asarray(self.files.pooled(kind, layer, shard))).norm(dim=1)
                    for shard in range(self.plan.shards)
                ]
            ),
        )
        return found

"""The plan: everything that the arrays of a store depend on. Two sweeps with one plan write the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cutaway.core.cache import write_atomically
from cutaway.core.errors import StoreError

VERSION = 1
"""Counts the changes of the format; a store of another version is refused, not guessed at."""

PLAN = "plan.json"


@dataclass(frozen=True)
class LayerPlan:
    """One layer of a store: its name, its channels and its grid (rows, columns)."""

    name: str
    channels: int
    grid: tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """What a sweep computes, and of what.

    model, spec, weights, preprocess: which network, how it was loaded, the hash of its weights, what it does to
    pictures. data, count: the data set's spec (empty where it has none) and its size. labels, classes: of the data
    set, and of the network. truth: the network's class of each label of the data set, -1 where it has none.
    shard_size, batch_size, precision: how the work is cut, and how exact it is.
    """

    model: str
    spec: str
    weights: str
    preprocess: str
    multilabel: bool
    classes: tuple[str, ...]
    data: str
    count: int
    labels: tuple[str, ...]
    truth: tuple[int, ...]
    layers: tuple[LayerPlan, ...]
    shard_size: int
    batch_size: int
    precision: str
    version: int = VERSION

    @property
    def shards(self) -> int:
        return -(-self.count // self.shard_size)

    def span(self, shard: int) -> range:
        """The numbers of the pictures in a shard."""
        first = shard * self.shard_size
        return range(first, min(first + self.shard_size, self.count))

    def batches(self, shard: int) -> Iterator[range]:
        """The shard's pictures, batch by batch; batches never reach over a shard, so that shards repeat bit for bit."""
        span = self.span(shard)
        for first in range(span.start, span.stop, self.batch_size):
            yield range(first, min(first + self.batch_size, span.stop))

    def layer(self, name: str) -> int:
        """The number of a layer in this store; a StoreError that lists those it has."""
        names = [layer.name for layer in self.layers]
        if name not in names:
            raise StoreError(
                f'no layer "{name}" in the store of {self.model}; expected one of {", ".join(names)}; '
                "try another sweep with --layers"
            )
        return names.index(name)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    def key(self) -> str:
        """A hash of the plan."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:32]


def write_plan(folder: Path, plan: Plan) -> None:
    """Begin a store; the plan is the first file that it has."""
    write_atomically(folder / PLAN, partial(write_text, plan.to_json()))


def read_plan(folder: Path) -> Plan:
    """The plan of the store in a folder; a StoreError where there is none, or one of another version."""
    where = folder / PLAN
    if not where.is_file():
        found = "no store" if folder.is_dir() else "no such folder"
        raise StoreError(f"{folder}: {found}; expected a folder that cutaway sweep wrote; check the path")
    try:
        given = json.loads(where.read_text(encoding="utf-8"))
        version = given["version"]
        if version != VERSION:
            raise StoreError(
                f"{folder} is a store of version {version}; expected version {VERSION}; "
                "try the cutaway that wrote it, or sweep again into another folder"
            )
        return _plan(given)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"{where} is damaged ({type(error).__name__}: {error}); expected the plan of a store; sweep again into "
            "another folder"
        ) from None


def differences(old: Plan, new: Plan) -> list[str]:
    """In what two plans differ, in words."""
    said: dict[str, Any] = {"layers": [layer.name for layer in old.layers]}
    found = []
    for field, before in asdict(old).items():
        after = asdict(new)[field]
        if before == after:
            continue
        if field in ("classes", "labels", "truth"):
            found.append(f"other {field}")
        else:
            after = [layer.name for layer in new.layers] if field == "layers" else after
            found.append(f"{field} {_short(said.get(field, before))}, now {_short(after)}")
    return found


def write_text(text: str, path: Path) -> None:
    """Write and wait until it is on the disk."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _plan(given: Mapping[str, Any]) -> Plan:
    layers = tuple(LayerPlan(each["name"], each["channels"], _pair(each["grid"])) for each in given["layers"])
    lists = {name: tuple(given[name]) for name in ("classes", "labels", "truth")}
    return Plan(**{**given, **lists, "layers": layers})


def _pair(values: Sequence[int]) -> tuple[int, int]:
    rows, columns = values
    return rows, columns


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

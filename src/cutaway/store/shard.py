"""A shard: the arrays and rows of consecutive pictures, sealed with a checksum of every file.

A shard is a folder that appears whole: it is written beside its place and renamed. What the disk did to it later is
found by its seal: sizes when the store is opened, checksums before a file's first use.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cutaway.core.errors import StoreError

SEAL = "seal.json"
SHARDS = "shards"
BESIDE = ".beside-"
"""How the folder of an unfinished shard begins; a sweep removes what a killed one left."""

BLOCK = 1 << 20


@dataclass(frozen=True)
class Seal:
    """What a folder of files holds: for each file its size in bytes and its SHA-256."""

    files: Mapping[str, tuple[int, str]]

    def to_json(self) -> dict[str, Any]:
        return {name: list(entry) for name, entry in sorted(self.files.items())}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Seal:
        return cls({str(name): (int(entry[0]), str(entry[1])) for name, entry in given.items()})


def shard_folder(store: Path, number: int) -> Path:
    return store / SHARDS / f"{number:05d}"


def array_name(kind: str, layer: int) -> str:
    """The file of one kind of pooled values of one layer."""
    return f"{kind}-{layer:02d}.npy"


def write_folder(place: Path, write: Callable[[Path], None]) -> Seal:
    """Fill a folder beside its place, seal it, and move it there whole, in place of what was there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=BESIDE, dir=place.parent))
    try:
        beside.chmod(0o755)
        write(beside)
        seal = Seal({file.name: (file.stat().st_size, checksum(file)) for file in sorted(beside.iterdir())})
        (beside / SEAL).write_text(json.dumps(seal.to_json(), indent=1) + "\n", encoding="utf-8")
        if place.exists():
            shutil.rmtree(place)
        beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return seal


def read_seal(folder: Path) -> Seal | None:
    """The seal of a folder, or None where there is none that can be read."""
    try:
        return Seal.from_json(json.loads((folder / SEAL).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError, IndexError):
        return None


def damage(folder: Path, seal: Seal, thorough: bool) -> list[str]:
    """The files of a folder that are not as they were sealed, each with what is wrong; thorough reads every byte."""
    found = []
    for name, (size, digest) in seal.files.items():
        file = folder / name
        if not file.is_file():
            found.append(f"{name} is missing")
        elif file.stat().st_size != size:
            found.append(f"{name} has {file.stat().st_size:,} bytes instead of {size:,}")
        elif thorough and checksum(file) != digest:
            found.append(f"{name} has changed (its checksum differs)")
    return found


def checksum(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_array(folder: Path, name: str, seal: Seal) -> np.ndarray:
    """A file of the folder as a memory-mapped array, after every byte of it was checked against the seal."""
    file = folder / name
    size, digest = seal.files.get(name, (-1, ""))
    if not file.is_file() or file.stat().st_size != size or checksum(file) != digest:
        raise StoreError(
            f"{folder.name}/{name} of the store {folder.parents[1]} is damaged (its checksum differs); nothing was "
            "read from it; run the same cutaway sweep again, which makes the damaged shards anew"
        )
    array: np.ndarray = np.load(file, mmap_mode="c", allow_pickle=False)  # torch warns of arrays that are read-only
    return array

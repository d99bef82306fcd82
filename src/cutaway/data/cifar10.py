"""CIFAR-10 in any of its layouts: parquet, the binary batches, or class folders."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from PIL import Image
from torch import Tensor

from cutaway.core import cache
from cutaway.core.errors import DataError, MissingExtraError
from cutaway.data.dataset import Sample

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SPLITS = ("train", "test")
SIDE = 32

Arrays: TypeAlias = dict[str, Tensor]
"""`pictures` (n, 3, 32, 32) from 0 to 255 and `labels` (n,)."""

Reader: TypeAlias = Callable[[list[Path]], Arrays]


@dataclass(frozen=True)
class Cifar10:
    """A split as two arrays: pictures 0 to 255, and class indices."""

    split: str
    pictures: UInt8[Tensor, "n 3 32 32"]
    targets: Int64[Tensor, " n"]

    @property
    def labels(self) -> tuple[str, ...]:
        return LABELS

    def __len__(self) -> int:
        return self.targets.shape[0]

    def __getitem__(self, index: int, /) -> Sample:
        number = range(len(self))[index]
        return Sample(f"{self.split}/{number:05d}", self.pictures[number].float() / 255, int(self.targets[number]))


def open_cifar10(folder: Path, split: str = "train") -> Cifar10:
    """All of a split, decoded once and kept in the cache; a DataError that lists the layouts where none is found."""
    if split not in SPLITS:
        raise DataError(f'CIFAR-10 has no split "{split}"; expected train or test')
    files, read = find(folder, split)
    question = {"what": "cifar10", "files": [[str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns] for f in files]}
    kept = cache.remember("data", question, lambda: read(files))
    labels = kept["labels"]
    if not bool(((labels >= 0) & (labels < len(LABELS))).all()):
        raise DataError(
            f"{files[0].parent} has labels {int(labels.min())} to {int(labels.max())}; expected 0 to "
            f"{len(LABELS) - 1}, as CIFAR-10 has; try another copy"
        )
    return Cifar10(split, kept["pictures"], labels)


def find(folder: Path, split: str) -> tuple[list[Path], Reader]:
    """The files that hold a split, and the function that reads them."""
    batches = "data_batch_?.bin" if split == "train" else "test_batch.bin"
    for inner in (folder, folder / "data", folder / "plain_text", folder / "cifar-10-batches-bin"):
        if files := sorted(inner.glob(f"{split}-*.parquet")):
            return files, read_parquet
        if files := sorted(inner.glob(batches)):
            return files, read_batches
    if files := sorted(path for label in LABELS for path in (folder / split / label).glob("*.png")):
        return files, read_folders
    pickled = any(folder.rglob("data_batch_1"))
    tip = "try the binary version (pickles are never read)" if pickled else "check the folder"
    raise DataError(
        f"{folder} holds no {split} split of CIFAR-10; "
        f"expected {split}-*.parquet, {batches} or {split}/<class>/*.png; {tip}"
    )


def read_parquet(files: list[Path]) -> Arrays:
    """The layout of the Hugging Face hub: `img` (or `image`) = struct(bytes = PNG, path), `label` = 0 to 9."""
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtraError("reading parquet files", "store") from None
    pictures, labels = [], []
    for file in files:
        table = parquet.read_table(file)
        column = "img" if "img" in table.column_names else "image"
        if not {column, "label"} <= set(table.column_names):
            raise DataError(f"{file} has columns {', '.join(table.column_names)}; expected img and label")
        pictures += [decode(io.BytesIO(cell["bytes"]), f"{file}") for cell in table[column].to_pylist()]
        labels += table["label"].to_pylist()
    return stacked(pictures, labels)


def read_batches(files: list[Path]) -> Arrays:
    """The binary version: records of one label byte and 3 x 32 x 32 picture bytes."""
    record = 1 + 3 * SIDE * SIDE
    raw = [np.fromfile(file, dtype=np.uint8) for file in files]
    for file, values in zip(files, raw, strict=True):
        if not len(values) or len(values) % record:
            raise DataError(f"{file} has {len(values):,} bytes; expected a multiple of {record:,}; try another copy")
    rows = torch.from_numpy(np.concatenate(raw)).view(-1, record)
    return {"pictures": rows[:, 1:].reshape(-1, 3, SIDE, SIDE).contiguous(), "labels": rows[:, 0].long()}


def read_folders(files: list[Path]) -> Arrays:
    """Class folders: `<split>/<class>/*.png`."""
    return stacked([decode(file, str(file)) for file in files], [LABELS.index(file.parent.name) for file in files])


def decode(source: Path | io.BytesIO, name: str) -> np.ndarray:
    try:
        with Image.open(source) as image:
            values = np.asarray(image.convert("RGB")) if image.size == (SIDE, SIDE) else None
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{name} holds a picture that cannot be read ({error}); try another copy") from None
    if values is None:
        raise DataError(f"{name} holds a picture of {image.size[0]} x {image.size[1]} pixels; expected {SIDE} x {SIDE}")
    return values


def stacked(pictures: list[np.ndarray], labels: list[int]) -> Arrays:
    return {
        "pictures": torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous(),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }

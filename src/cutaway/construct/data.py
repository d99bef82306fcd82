"""The pictures and labels of a project: `data/manifest.jsonl` and `labels/<node>.jsonl`, checked line by line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from cutaway.construct import rle
from cutaway.construct.ontology import check_id
from cutaway.core.cache import write_atomically
from cutaway.core.errors import ProjectError
from cutaway.data.dataset import Sample
from cutaway.data.specs import open_dataset

MANIFEST = "data/manifest.jsonl"
PROBES = "data/probes.json"
LABELS = "labels"
SPLITS = ("train", "val", "test")
"""Networks learn from train; thresholds come from val; every figure comes from test."""


@dataclass(frozen=True)
class Entry:
    """One picture: the hash of its pixels, the split it belongs to for good, and where it comes from (SPEC#INDEX)."""

    sha256: str
    split: str
    origin: str


@dataclass(frozen=True)
class Label:
    """Where a node shows in a picture, and who says so. An empty mask says that it does not show."""

    picture: str
    mask: rle.RLE
    source: str


def fingerprint(picture: Float[Tensor, "channels height width"]) -> str:
    """The hash of a picture's pixels, whatever file they come in."""
    pixels = (picture * 255).round().to(torch.uint8)
    digest = hashlib.sha256(f"{tuple(pixels.shape)};".encode())
    digest.update(pixels.contiguous().numpy().tobytes())
    return digest.hexdigest()


def read_manifest(text: str) -> tuple[Entry, ...]:
    """The entries of a manifest's text. Raises ProjectError for a picture that stands in it twice."""
    entries, seen = [], dict[str, str]()
    for number, data in _lines(text, MANIFEST):
        if set(data) != {"sha256", "split", "origin"} or not all(isinstance(value, str) for value in data.values()):
            raise ProjectError(f"{MANIFEST}, line {number}: expected sha256, split and origin, all texts")
        entry = Entry(data["sha256"], data["split"], data["origin"])
        if entry.split not in SPLITS:
            raise ProjectError(f'{MANIFEST}, line {number}: split "{entry.split}"; expected {", ".join(SPLITS)}')
        if entry.sha256 in seen:
            raise ProjectError(
                f"{MANIFEST}, line {number}: picture {entry.sha256[:12]} is in {seen[entry.sha256]} already; "
                "expected every picture once"
            )
        seen[entry.sha256] = entry.split
        entries.append(entry)
    return tuple(entries)


def write_manifest(entries: Sequence[Entry], project: Path) -> None:
    _write_lines(project / MANIFEST, ({"sha256": e.sha256, "split": e.split, "origin": e.origin} for e in entries))


def read_labels(text: str, name: str) -> dict[str, Label]:
    """The labels in a file's text by picture. Raises ProjectError for a line that is none."""
    where = f"{LABELS}/{name}.jsonl"
    labels: dict[str, Label] = {}
    for number, data in _lines(text, where):
        if set(data) != {"picture", "mask", "source"} or not isinstance(data["mask"], dict):
            raise ProjectError(f"{where}, line {number}: expected picture, mask and source")
        label = Label(
            str(data["picture"]),
            _mask(data["mask"]),
            str(data["source"]),
        )
        rle.decode(label.mask)
        if label.picture in labels:
            raise ProjectError(f"{where}, line {number}: picture {label.picture[:12]} is labelled twice")
        labels[label.picture] = label
    return labels


def _mask(data: Mapping[str, Any]) -> rle.RLE:
    size: Any = data.get("size")
    counts: Any = data.get("counts")
    return rle.RLE(size=size, counts=counts)


def write_labels(labels: Iterable[Label], name: str, project: Path) -> None:
    """Write a node's labels, sorted by picture."""
    rows = sorted(labels, key=lambda label: label.picture)
    _write_lines(
        project / LABELS / f"{check_id(name)}.jsonl",
        ({"picture": row.picture, "mask": row.mask, "source": row.source} for row in rows),
    )


def _lines(text: str, where: str) -> list[tuple[int, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            data = json.loads(line)
        except ValueError:
            raise ProjectError(f"{where}, line {number} is no JSON; expected one object per line") from None
        if not isinstance(data, dict):
            raise ProjectError(f"{where}, line {number} is no object; expected one per line")
        rows.append((number, data))
    return rows


def _write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))


Opener = Callable[[str], Sample]


def samples(entries: Sequence[Entry], root: Path) -> list[Sample]:
    """The samples of some entries, each checked against its hash.

    `folder:` and `jsonl:` places are relative to the project's root. Raises ProjectError for a changed picture.
    """
    opened: dict[str, Any] = {}
    found = []
    for entry in entries:
        spec, _, index = entry.origin.rpartition("#")
        if not spec or not index.isdigit():
            raise ProjectError(f'a picture with the origin "{entry.origin}"; expected SPEC#INDEX, as observe writes it')
        if spec not in opened:
            opened[spec] = open_dataset(placed(spec, root))
        sample = opened[spec][int(index)]
        if fingerprint(sample.picture) != entry.sha256:
            raise ProjectError(f"{entry.origin} is another picture than {entry.sha256[:12]}; expected it unchanged")
        found.append(sample)
    return found


def placed(spec: str, root: Path) -> str:
    scheme, _, place = spec.partition(":")
    """A data spec whose place is found from the project's root."""
    return f"{scheme}:{root / place}" if scheme in ("folder", "jsonl", "imagenet", "cifar10") else spec


def stack(found: Sequence[Sample], size: int) -> UInt8[Tensor, "n 3 size size"]:
    """Pictures of any size as one tensor of small squares, whole (sides are squeezed, nothing is cut off)."""
    return torch.stack([(_resized(each.picture[None], size)[0] * 255).round().to(torch.uint8) for each in found])


def _resized(picture: Float[Tensor, "1 c h w"], size: int) -> Float[Tensor, "1 c size size"]:
    if picture.shape[-2:] == (size, size):
        return picture
    small = torch.nn.functional.interpolate(picture, size=(size, size), mode="bilinear", antialias=True)
    return small.clamp(0, 1)


def shrunk(mask: Bool[np.ndarray, "h w"], size: int) -> Float[Tensor, "size size"]:
    """The share of each place of a square grid that a mask covers."""
    full = torch.from_numpy(np.ascontiguousarray(mask)).float()[None, None]
    if full.shape[-1] == full.shape[-2] and full.shape[-1] % size == 0:
        return torch.nn.functional.avg_pool2d(full, full.shape[-1] // size)[0, 0]
    return torch.nn.functional.interpolate(full, size=(size, size), mode="bilinear", antialias=True)[0, 0].clamp(0, 1)

"""A data set as lines of JSON: `{"image", "captions", "label", "mask", "parts", "split"}`, all but `image` optional.

`image` and `mask` are paths relative to the file and may not lead out of its folder. `label` is a word or a number,
`mask` one path or {name: path} (what is not black is inside), `parts` {name: [x, y]} or [[name, x, y], ...] in pixels.
Other keys are kept as they are in `Sample.extra`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from cutaway.core.errors import DataError, suggestion
from cutaway.data.dataset import Sample
from cutaway.data.pictures import read_image

KNOWN = ("image", "captions", "label", "mask", "parts", "split")


@dataclass(frozen=True)
class Line:
    """One line, checked; paths are absolute and inside the file's folder."""

    key: str
    image: Path
    captions: tuple[str, ...]
    label: str | None
    masks: Mapping[str, Path]
    parts: Mapping[str, tuple[float, float]]
    split: str | None
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class Lines:
    """The lines of one file; pictures are read when they are asked for."""

    lines: Sequence[Line]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, index: int, /) -> Sample:
        line = self.lines[index]
        masks = {name: read_mask(path) for name, path in line.masks.items()}
        label = None if line.label is None else self.labels.index(line.label)
        return Sample(line.key, read_image(line.image), label, line.captions, masks, line.parts, line.extra)

    def file(self, index: int) -> Path:
        """The file of a picture."""
        return self.lines[index].image


def open_jsonl(file: Path, split: str | None = None) -> Lines:
    """All lines, or those of a split; a DataError with the line's number where one can't be read."""
    root = file.resolve().parent
    lines = [
        read_line(text, root, f"{file}, line {number}")
        for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if text.strip()
    ]
    if split is not None:
        known = sorted({line.split for line in lines if line.split is not None})
        lines = [line for line in lines if line.split == split]
        if not lines:
            expected = ", ".join(known) or "(no line names one)"
            raise DataError(f'{file} has no split "{split}"; expected one of {expected}{suggestion(split, known)}')
    if not lines:
        raise DataError(f'{file} holds no lines; expected {{"image": "path"}} on each; check the file')
    return Lines(lines, order({line.label for line in lines if line.label is not None}))


def order(labels: set[str]) -> tuple[str, ...]:
    """Numbers by their size, words by the alphabet."""
    return tuple(sorted(labels, key=int) if all(label.isdecimal() for label in labels) else sorted(labels))


def read_line(text: str, root: Path, where: str) -> Line:
    """One line of the file, each of its fields checked."""
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}: no JSON ({error.msg} at column {error.colno}); expected one object per line"
        ) from None
    if not isinstance(row, dict) or not isinstance(row.get("image"), str):
        raise DataError(f'{where}: no "image"; expected an object like {{"image": "path"}}')
    try:
        captions = [row.get("captions", [])] if isinstance(row.get("captions"), str) else row.get("captions", [])
        masks = row.get("mask") or {}
        masks = {"mask": masks} if isinstance(masks, str) else masks
        return Line(
            key=row["image"],
            image=inside(root, row["image"], where),
            captions=tuple(str(caption) for caption in captions),
            label=None if row.get("label") is None else str(row["label"]),
            masks={str(name): inside(root, path, where) for name, path in masks.items()},
            parts=points(row.get("parts") or {}),
            split=row.get("split"),
            extra={name: value for name, value in row.items() if name not in KNOWN},
        )
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{where}: a field of the wrong kind ({error}); expected captions as a list, mask as a path or "
            "{name: path}, parts as {name: [x, y]}"
        ) from None


def points(parts: Mapping[str, Any] | Sequence[Any]) -> dict[str, tuple[float, float]]:
    rows: Sequence[Any] = [(name, *place) for name, place in parts.items()] if isinstance(parts, Mapping) else parts
    return {str(name): (float(x), float(y)) for name, x, y in rows}


def inside(root: Path, path: str, where: str) -> Path:
    """The path below the root; a DataError where it leads out of it, also by a link."""
    whole = (root / path).resolve()
    if not whole.is_relative_to(root):
        raise DataError(f'{where}: "{path}" leads out of the folder of the file; expected a path below {root}')
    return whole


def read_mask(path: Path) -> Bool[np.ndarray, "height width"]:
    """True where the mask's picture is not black."""
    inner: np.ndarray = (read_image(path) > 0).any(dim=0).numpy()
    return inner

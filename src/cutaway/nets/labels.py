"""Class labels from a file, in index order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from cutaway.core.errors import ModelError

EXPECTED = (
    "expected a .txt with one label on each line, or a .json: a list of labels, a list of {index, name}, "
    "or index -> label (also within id2label)"
)


def read_labels(path: str | PathLike[str]) -> tuple[str, ...]:
    """The labels in a text or JSON file; a ModelError that says what such a file holds where this one does not."""
    where = Path(path)
    if not where.is_file():
        raise ModelError(f"{where}: no such file of labels; {EXPECTED}; check the path")
    try:
        text = where.read_text(encoding="utf-8")
        if where.suffix != ".json":
            return tuple(line.strip() for line in text.splitlines() if line.strip())
        return labels_from(json.loads(text))
    except (UnicodeDecodeError, json.JSONDecodeError, ModelError) as error:
        reason = str(error).partition(";")[0]
        raise ModelError(f"{where} holds no labels ({reason}); {EXPECTED}") from None


def labels_from(found: Any) -> tuple[str, ...]:
    """Labels from plain data: a sequence of texts or of {index, name}, or a mapping from index to label."""
    if isinstance(found, Mapping):
        inner = found.get("id2label", found)
        if isinstance(inner, Mapping) and all(str(key).isdigit() for key in inner):
            return _in_order({int(key): label for key, label in inner.items()})
    if isinstance(found, Sequence) and not isinstance(found, str) and found:
        if all(isinstance(each, str) for each in found):
            return tuple(found)
        if all(isinstance(each, Mapping) and {"index", "name"} <= set(each) for each in found):
            return _in_order({int(each["index"]): each["name"] for each in found})
    raise ModelError(f"a {type(found).__name__} that names no classes; {EXPECTED}")


def _in_order(by_index: Mapping[int, Any]) -> tuple[str, ...]:
    gap = next((index for index in range(len(by_index)) if index not in by_index), None)
    if gap is not None:
        raise ModelError(f"no label for class {gap}; expected one for each index from 0")
    return tuple(str(by_index[index]) for index in range(len(by_index)))

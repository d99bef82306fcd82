"""Instances: one row per picture, kept as Parquet: what it is, what the network said, and whatever the user knows."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cutaway.core.errors import MissingExtraError

COLUMNS: Mapping[str, str] = {
    "instance": "number of the picture in the data set",
    "key": "what names it there: a path or an index",
    "hash": "SHA-256 of its file, or of its pixels where it has none",
    "label": "its class in the data set, in words",
    "label_index": "the network's index of that class",
    "prediction": "the network's answer, in words",
    "prediction_index": "the same as an index",
    "probability": "probability of the answer",
    "runner_up": "the second likeliest class",
    "margin": "logit of the answer less that of the runner-up",
    "label_probability": "probability of the picture's own class",
    "loss": "cross entropy of the picture's own class, in nats",
    "correct": "whether the answer is the picture's own class",
    "captions": "what was said about it",
    "error": "why it could not be read",
}
"""The columns of every store; those of the user come after them."""

MOST = 120
"""The most columns that are taken over from a data set's own facts."""


def arrow() -> Any:
    """pyarrow, or the error that says how to get it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("a store", "store") from None
    return pyarrow


def write_columns(columns: Mapping[str, Sequence[Any]], path: Path) -> None:
    """The rows of one shard; the user's columns travel as JSON in `extra`, since other shards may know others."""
    pa = arrow()
    schema, missing = _schema(pa), [None] * len(columns["instance"])
    arrays = [pa.array(columns.get(field.name, missing), field.type) for field in schema]
    pa.parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), path, compression="zstd")


def merged(files: Iterable[bytes]) -> Any:
    """All shards' rows as one table, the user's columns with the types that fit all their values."""
    pa = arrow()
    tables = [pa.parquet.read_table(io.BytesIO(content)) for content in files]
    table = pa.concat_tables(tables)
    texts = table["extra"].to_pylist()
    known = {text: json.loads(text) for text in set(texts)}
    facts = [known[text] for text in texts]
    table = table.drop_columns(["extra"])
    names = list(dict.fromkeys(name for fact in facts for name in fact))[:MOST]
    for name in names:
        column = name if name not in COLUMNS else f"given_{name}"
        table = table.append_column(column, _column(pa, [fact.get(name) for fact in facts]))
    return table


def facts_of(extra: Mapping[str, Any]) -> dict[str, str | float | int | bool]:
    """What a data set knows of a picture as columns: words and numbers, nested ones with dots between their names."""
    return dict(_flat(extra, ()))


def _flat(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, str | float | int | bool]]:
    if isinstance(value, Mapping) and len(path) < 4:
        for name, inner in value.items():
            yield from _flat(inner, (*path, str(name)))
    elif path and isinstance(value, (str, int, float, bool)):
        yield ".".join(path), value


def _column(pa: Any, values: Sequence[Any]) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool} or kinds <= {str} or kinds <= {int}:
        return pa.array(values)
    if kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values])
    return pa.array([None if value is None else str(value) for value in values])


def _schema(pa: Any) -> Any:
    whole, real, word = pa.int32(), pa.float32(), pa.string()
    kinds = {"instance": pa.int64(), "label_index": whole, "prediction_index": whole, "correct": pa.bool_()}
    kinds |= dict.fromkeys(("probability", "margin", "label_probability", "loss"), real)
    kinds["captions"] = pa.list_(word)
    return pa.schema([(name, kinds.get(name, word)) for name in (*COLUMNS, "extra")])

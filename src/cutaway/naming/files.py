"""names.json: what `name` writes and `consolidate` reads; and what each unit did, and directions, in safetensors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from cutaway.core.cache import write_atomically
from cutaway.core.errors import DataError
from cutaway.naming.names import Name, UnitNames


def to_rows(names: Sequence[UnitNames]) -> list[dict[str, Any]]:
    """Plain data: unit, names (text, score, p_value; best first), abstained and its reason, and what is beside them."""
    return [
        {
            "unit": unit.unit,
            "names": [{"text": name.text, "score": name.score, "p_value": name.p_value} for name in unit.names],
            "abstained": unit.abstained,
            "reason": unit.reason,
            "meanings": unit.meanings,
            "sentence": unit.sentence,
            "fires": list(unit.fires),
            "promised": list(unit.promised),
        }
        for unit in names
    ]


def save_names(names: Sequence[UnitNames], path: Path) -> None:
    """Writes names.json, all of it or nothing."""
    text = json.dumps(to_rows(names), indent=1) + "\n"
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def read_names(path: Path) -> tuple[UnitNames, ...]:
    """The names in a file. Raises DataError where it is not what `save_names` writes."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = tuple(_unit(row) for row in rows)
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror or fault}; expected names as cutaway name writes them") from None
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise DataError(
            f'{path} holds no names ({fault}); expected a list of {{"unit", "names", "abstained", "reason"}}; '
            "try cutaway name"
        ) from None
    if not found:
        raise DataError(f"{path} names no unit; expected at least one; try cutaway name")
    return found


def save_activations(fired: Float[np.ndarray, "pictures units"], units: Sequence[str], path: Path) -> None:
    """Writes what every unit did on each picture."""
    kept = {"activations": np.ascontiguousarray(fired, np.float32)}
    write_atomically(path, lambda beside: save_file(kept, beside, {"units": json.dumps(list(units))}))


def read_activations(path: Path, units: Sequence[str]) -> Float[np.ndarray, "pictures units"]:
    """What these units did, in their order. Raises DataError where the file holds something else, or lacks a unit."""
    try:
        with safe_open(path, "numpy") as file:
            known = json.loads((file.metadata() or {})["units"])
            fired: np.ndarray = file.get_tensor("activations")
    except (OSError, SafetensorError, KeyError, ValueError) as fault:
        raise DataError(
            f"{path} holds no activations ({fault}); expected what cutaway name --activations wrote"
        ) from None
    where = {unit: i for i, unit in enumerate(known)}
    missing = [unit for unit in units if unit not in where]
    if missing:
        raise DataError(f"{path} lacks the unit {missing[0]}; expected all that are named; try the same run's file")
    return fired[:, [where[unit] for unit in units]]


def read_directions(path: Path) -> Float[np.ndarray, "directions channels"]:
    """The directions in a safetensors file of one tensor, one a row. Raises DataError for anything else."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError, ValueError) as fault:
        raise DataError(f"{path} holds no directions ({fault}); expected safetensors, one direction a row") from None
    found = next(iter(tensors.values())) if len(tensors) == 1 else np.zeros(0)
    if found.ndim != 2 or not np.isfinite(found).all():
        raise DataError(f"{path} holds {len(tensors)} tensor(s); expected one of finite numbers, one direction a row")
    return found.astype(np.float32)


def _unit(row: dict[str, Any]) -> UnitNames:
    return UnitNames(
        unit=str(row["unit"]),
        names=tuple(Name(str(n["text"]), float(n["score"]), float(n["p_value"])) for n in row["names"]),
        abstained=bool(row["abstained"]),
        reason=str(row["reason"] or ""),
        meanings=int(row.get("meanings", 1)),
        fires=tuple(map(int, row.get("fires", ()))),
        promised=tuple(map(int, row.get("promised", ()))),
        sentence=str(row.get("sentence", "")),
    )

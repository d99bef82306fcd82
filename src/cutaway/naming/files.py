"""names.json: what `name` writes and `consolidate` reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cutaway.core.cache import write_atomically
from cutaway.core.errors import DataError
from cutaway.naming.names import Name, UnitNames


def to_rows(names: Sequence[UnitNames]) -> list[dict[str, Any]]:
    """Plain data: unit, names (text, score, p_value; best first), abstained and its reason.

    Then what is beside them.
    """
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

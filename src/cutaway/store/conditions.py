"""Conditions: SQL over the instances table, from anyone. What may be written is a list, all else is refused.

Three fences, each enough by itself for most attacks: the condition is parsed, and its tree may hold only column names,
constants, comparisons and the functions listed here; DuckDB holds the table in memory with its configuration locked
and no access to files or networks; and a watchdog interrupts what takes too long.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Int64

from cutaway.core.errors import MissingExtraError, StoreError, suggestion

SECONDS = 2.0
LONGEST = 2000
"""Characters of a condition."""

DEEPEST = 60
"""Brackets of a condition."""

FUNCTIONS = frozenset(
    [
        *("+", "-", "*", "/", "//", "%", "~~", "!~~", "~~*", "!~~*", "^@", "like_escape", "not_like_escape"),
        *("ilike_escape", "not_ilike_escape", "lower", "upper", "length", "strlen", "trim", "contains", "starts_with"),
        *("ends_with", "prefix", "suffix", "strip_accents", "regexp_matches", "regexp_full_match", "list_contains"),
        *(
            "array_contains",
            "list_has",
            "len",
            "abs",
            "round",
            "floor",
            "ceil",
            "ceiling",
            "sqrt",
            "ln",
            "log",
            "log10",
        ),
        *("exp", "sign", "greatest", "least", "coalesce", "ifnull", "nullif", "isnan", "isfinite", "isinf"),
        *("array_extract", "list_extract"),
    ]
)

REMEMBERED = 128
"""Conditions whose answers are kept: those of the classes are asked again and again."""

_CLASSES = frozenset(
    ["COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN", "FUNCTION", "CAST", "CASE", "TYPE"]
)
_TYPES = frozenset(
    ["BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "INT", "BIGINT", "FLOAT", "REAL", "DOUBLE", "VARCHAR", "TEXT"]
)
_NO_SUBQUERY = ("SUBQUERY", "ANY", "SOME", "EXISTS")

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "memory_limit": "1GB",
    "threads": "1",
    "lock_configuration": "true",
}


class Instances:
    """The instances table, which answers conditions. Several threads may ask at once."""

    def __init__(self, table: Any) -> None:
        try:
            import duckdb
        except ImportError:
            raise MissingExtraError("a store", "store") from None
        self._errors = (duckdb.Error,)
        self.table = table
        self.columns: Mapping[str, str] = {field.name: str(field.type) for field in table.schema}
        self._connection = duckdb.connect(config=_CONFIG)
        self._connection.register("given", table)
        self._connection.execute("CREATE TABLE instances AS SELECT * FROM given")
        self._connection.unregister("given")
        self._answers: dict[str, np.ndarray] = {}  # the table never changes

    def where(self, condition: str, seconds: float = SECONDS) -> Int64[np.ndarray, " n"]:
        """The numbers of the pictures for which the condition is true, in ascending order.

        A StoreError says why a condition is refused or cannot be answered, or that it took longer than `seconds`.
        """
        known = self._answers.get(condition)
        if known is not None:
            return known
        self.check(condition)
        query = f"SELECT instance FROM instances WHERE ({condition}\n) ORDER BY instance"
        cursor = self._connection.cursor()
        begun = time.monotonic()
        try:
            with _watchdog(cursor, seconds):
                found: np.ndarray = cursor.execute(query).fetchnumpy()["instance"]
            if time.monotonic() - begun > seconds:  # the watchdog may have barked before the query began
                raise _late(seconds)
            answer = np.asarray(found, dtype=np.int64)
            answer.setflags(write=False)
            if len(self._answers) < REMEMBERED:
                self._answers[condition] = answer
            return answer
        except self._errors as error:
            if "INTERRUPT" in str(error).upper():
                raise _late(seconds) from None
            raise StoreError(f'the condition "{_short(condition)}" cannot be answered ({_first_line(error)})') from None
        finally:
            cursor.close()

    def check(self, condition: str) -> None:
        """A StoreError unless the condition is one expression of columns, constants and known functions."""
        if len(condition) > LONGEST or "\0" in condition:
            raise StoreError(f"a condition of {len(condition):,} characters; expected at most {LONGEST:,} of text")
        if max(condition.count(mark) for mark in "([{") > DEEPEST:  # its parser slows down with the square of these
            raise StoreError(f"a condition with more than {DEEPEST} brackets; expected fewer; try a simpler one")
        if not condition.strip():
            raise StoreError("an empty condition; expected SQL over the columns; try correct = false")
        query = f"SELECT instance FROM instances WHERE ({condition}\n)"
        cursor = self._connection.cursor()
        try:
            row = cursor.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
            tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
        except (*self._errors, ValueError, RecursionError) as error:
            raise StoreError(f'the condition "{_short(condition)}" cannot be read ({_first_line(error)})') from None
        finally:
            cursor.close()
        if tree.get("error") or len(tree.get("statements", ())) != 1:
            said = _first_line(tree.get("error_message", "it is no single expression"))
            raise StoreError(
                f'the condition "{_short(condition)}" cannot be read ({said}); expected SQL over the columns; '
                "try correct = false and probability > 0.9"
            )
        self._check_tree(condition, tree["statements"][0]["node"])

    def _check_tree(self, condition: str, node: Mapping[str, Any]) -> None:
        where = node.get("where_clause")
        source = node.get("from_table", {})
        plain = (
            node.get("type") == "SELECT_NODE"
            and source.get("type") == "BASE_TABLE"
            and source.get("table_name") == "instances"
            and not source.get("sample")
            and not node.get("modifiers")
            and not node["cte_map"]["map"]
            and not any(node.get(part) for part in ("group_expressions", "group_sets", "having", "sample", "qualify"))
            and where is not None
        )
        if not plain:
            raise _refused(condition, "more than one condition")
        self._check_expression(condition, where, 0)

    def _check_expression(self, condition: str, tree: object, depth: int) -> None:
        """Walks the whole tree; whatever has a class must be of one that is known."""
        if depth > 200:
            raise _refused(condition, "too many levels")
        if isinstance(tree, list):
            for each in tree:
                self._check_expression(condition, each, depth + 1)
        elif isinstance(tree, Mapping):
            if "class" in tree:
                self._check_class(condition, tree)
            for name, each in tree.items():
                if name != "literal":
                    self._check_expression(condition, each, depth + 1)

    def _check_class(self, condition: str, tree: Mapping[str, Any]) -> None:
        kind = tree["class"]
        if kind not in _CLASSES or any(word in str(tree.get("type", "")) for word in _NO_SUBQUERY):
            raise _refused(condition, f"a {str(kind).lower()}")
        if kind == "FUNCTION" and (tree.get("schema") or tree.get("catalog") or tree["function_name"] not in FUNCTIONS):
            name = str(tree["function_name"])
            raise _refused(condition, f'the function "{name}"', suggestion(name, FUNCTIONS))
        if kind == "TYPE" and tree.get("type_name") not in _TYPES:
            raise _refused(condition, f'the type "{tree.get("type_name")}"')
        if kind == "COLUMN_REF":
            names = tree["column_names"]
            known = {name.casefold() for name in self.columns}
            if len(names) != 1 or str(names[0]).casefold() not in known:
                given = ".".join(map(str, names))
                tip = suggestion(given, self.columns) or f"; there are {', '.join(list(self.columns)[:12])}, ..."
                raise StoreError(f'no column "{_short(given)}" in the instances table{tip}')


@contextmanager
def _watchdog(cursor: Any, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _late(seconds: float) -> StoreError:
    return StoreError(
        f"the condition took longer than {seconds:g} seconds; expected one that is quick; try a simpler one"
    )


def _refused(condition: str, what: str, tip: str = "") -> StoreError:
    return StoreError(
        f'the condition "{_short(condition)}" holds {what}, which is not allowed; expected columns, constants, '
        f"comparisons and simple functions{tip}"
    )


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _first_line(error: object) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]

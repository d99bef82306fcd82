"""Conditions answer like plain Python over the rows, and nothing but a condition gets through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_store import COUNT, Bench

from cutaway.core.errors import StoreError

GOOD: dict[str, Callable[[dict[str, Any]], bool]] = {
    "correct": lambda row: row["correct"] is True,
    "NOT correct AND label = 'bee'": lambda row: row["correct"] is False and row["label"] == "bee",
    "probability > 0.3": lambda row: (row["probability"] or 0) > 0.3,
    "label IN ('ant', 'cow') -- both": lambda row: row["label"] in ("ant", "cow"),
    "key LIKE 'bee/%'": lambda row: row["key"].startswith("bee/"),
    "error IS NOT NULL": lambda row: row["error"] is not None,
    "instance BETWEEN 3 AND 5 OR instance % 10 = 9": lambda row: 3 <= row["instance"] <= 5 or row["instance"] % 10 == 9,
    "regexp_matches(key, '0[1-4]')": lambda row: any(f"0{digit}" in row["key"] for digit in "1234"),
    "CASE WHEN correct THEN loss ELSE -1 END > 0": lambda row: bool(row["correct"]),
    "lower(label) = 'cow' AND CAST(instance AS VARCHAR) <> '1'": lambda row: row["label"] == "cow",
    "coalesce(length(error), 0) = 0": lambda row: row["error"] is None,
}

HOSTILE = [
    "1=1) UNION SELECT 1 --",
    "correct; DROP TABLE instances",
    "correct); COPY instances TO '/tmp/out.csv' --",
    "instance IN (SELECT instance FROM instances)",
    "EXISTS (SELECT * FROM read_csv('/etc/passwd'))",
    "(SELECT count(*) FROM glob('/*')) > 0",
    "read_text('/etc/passwd') IS NOT NULL",
    "getenv('HOME') <> ''",
    "current_setting('threads') <> ''",
    "length(repeat('x', 1000000000)) > 0",
    "list_sum(range(1000000000)) > 0",
    "list_sum(list_transform([1, 2], x -> x + 1)) > 0",
    "row_number() OVER () > 3",
    "instance = ANY (SELECT 1)",
    "random() < 0.5",
    "version() <> ''",
    "pg_sleep(10) IS NULL",
    "nextval('a') > 0",
    "$1",
    "COLUMNS('.*') IS NOT NULL",
    "instances.correct",
    "main.instances.correct",
    "correct) GROUP BY (instance",
    "correct) LIMIT (1",
    "correct ORDER BY instance",
    "correct QUALIFY true",
    "count(*) > 1",
    "CAST(key AS BLOB) IS NOT NULL",
    "system.main.getenv('HOME') <> ''",
    "(" * 1800 + "correct" + ")" * 180,
    "(" * 61 + "correct" + ")" * 61,
    "'" * 5,
    "SELECT 1",
    "",
    "\0",
    "correct OR " * 300 + "correct",
]


@pytest.mark.parametrize("condition", GOOD)
def test_a_condition_takes_the_rows_that_it_says(condition: str, bench: Bench) -> None:
    rows = bench.store.rows(range(COUNT))
    assert bench.store.query(condition).tolist() == [row["instance"] for row in rows if GOOD[condition](row)]


@pytest.mark.parametrize("condition", HOSTILE)
def test_anything_else_is_refused(condition: str, bench: Bench) -> None:
    with pytest.raises(StoreError):
        bench.store.query(condition)
    assert len(bench.store.query("true")) == COUNT  # and the table is as it was


def test_a_wrong_name_is_answered_with_the_right_one(bench: Bench) -> None:
    with pytest.raises(StoreError, match='no column "predicton" in the instances table; did you mean "prediction"'):
        bench.store.query("predicton = 'bee'")
    with pytest.raises(StoreError, match=r'holds the function "lenght", which is not allowed.*did you mean "length"'):
        bench.store.query("lenght(key) > 3")


def test_a_slow_condition_is_interrupted(bench: Bench) -> None:
    words = " + ".join("length(replace(key, 'a', key))" for _ in range(3))
    with pytest.raises(StoreError, match="which is not allowed"):  # what makes values longer is not among the functions
        bench.store.query(f"{words} > 0")
    with pytest.raises(StoreError, match="took longer than 1e-09 seconds; expected one that is quick"):
        bench.store.query(" AND ".join(f"sqrt(instance * {n}) <> {n} + 0.1" for n in range(45)), seconds=1e-9)

"""The research log's findings, one row each, beside what we find when two variants of a question are set side by side.

Nothing is trained here: figures are those of the other tables of this page, which the last column names; run these
first. What is within what one seed can tell (two points of accuracy, five of units) counts as no difference. The log
(314-Foundation, "ResearchLog", July 2024 to July 2025) has few figures; where it has none, its finding is the direction
alone, in our words (log_findings.yaml). It judged gradients by eye, on two or three classes.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import yaml
from _evidence import ROOT, report
from pydantic import BaseModel

RESULTS, FINDINGS = ROOT / "evidence" / "results", ROOT / "evidence" / "log_findings.yaml"
WITHIN = {
    "accuracy, %": 2.0,
    "parameters": 0.0,
    "units that agree on noise, %": 5.0,
    "unheard first-layer units, %": 5.0,
    "parts of one, apart": 0.1,
    "prototypes, apart": 0.1,
    "mean correlation jiggled": 0.05,
    "mean correlation shuffled": 0.05,
}
Way = Literal["more", "less", "no difference"]


class Finding(BaseModel, extra="forbid"):
    """What the log found: that `first` has more of a figure than `second`, or less; both are rows of one table."""

    question: str
    log: str
    expected: Way | None = None  # None: the log asks, and does not say
    table: str
    first: tuple[str, str]
    second: tuple[str, str]
    figure: str = "accuracy, %"


def row(finding: Finding) -> dict[str, Any]:
    """The finding beside ours."""
    rows = json.loads((RESULTS / f"{finding.table}.json").read_text())["rows"]
    first, second = (found(rows, variant) for variant in (finding.first, finding.second))
    ours = compared(first[finding.figure], second[finding.figure], WITHIN[finding.figure])
    return {
        "question": finding.question,
        "the log found": finding.log,
        "we find": ours,
        "of": finding.figure,
        "first": f"{name(finding.first)}: {first[finding.figure]:,}",
        "second": f"{name(finding.second)}: {second[finding.figure]:,}",
        "as the log": None if finding.expected is None else ours == finding.expected,
        "n": first["n"],
        "table": finding.table,
    }


def compared(first: float, second: float, within: float) -> Way:
    """Whether the first is more or less than the second, or within what one seed can tell."""
    if abs(first - second) <= within:
        return "no difference"
    return "more" if first > second else "less"


def name(variant: tuple[str, str]) -> str:
    """What a variant is called: by its second cell, or by both where that is a number."""
    return variant[1] if any(letter.isalpha() for letter in variant[1]) else ", ".join(variant)


def found(rows: list[dict[str, Any]], variant: tuple[str, str]) -> dict[str, Any]:
    """The row whose first two cells are these."""
    return next(each for each in rows if tuple(map(str, list(each.values())[:2])) == variant)


def main() -> None:
    rows = [row(Finding(**each)) for each in yaml.safe_load(FINDINGS.read_text())]
    said = [each["as the log"] for each in rows if each["as the log"] is not None]
    claim = f"The research log's findings beside ours: {sum(said)} of {len(said)} are found again"
    report("whitebox_log_answers", claim, rows, all(each["n"] for each in rows), len(rows))


if __name__ == "__main__":
    main()

"""Transcripts: every request to a language model and its answer, as files of the project that can be replayed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cutaway.core.cache import write_atomically
from cutaway.core.errors import ProjectError

FOLDER = "transcripts"

Send = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Sends a request (plain JSON) and gives the answer (plain JSON)."""


@dataclass
class Budget:
    """How many calls and tokens may still be spent. Raises ProjectError before a call that would go beyond."""

    calls: int
    tokens: int
    spent_calls: int = 0
    spent_tokens: int = 0

    def demand(self) -> None:
        if self.spent_calls >= self.calls or self.spent_tokens >= self.tokens:
            raise ProjectError(
                f"the language model has had {self.spent_calls} calls and {self.spent_tokens:,} tokens; "
                f"expected at most {self.calls} and {self.tokens:,}; raise [annotator] in construct.toml"
            )

    def note(self, tokens: int) -> None:
        self.spent_calls += 1
        self.spent_tokens += tokens


@dataclass
class Recorder:
    """Sends what is new and writes it down; what has been asked before is answered from its file.

    With `send` None it only replays, and a request that no file answers is an error: nothing is made up.
    """

    root: Path
    send: Send | None
    budget: Budget
    used: list[str] = field(default_factory=list)

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request."""
        name = address(request)
        path = self.root / FOLDER / f"{name}.json"
        self.used.append(name)
        if path.is_file():
            return _answer(path, request)
        if self.send is None:
            raise ProjectError(
                f"no transcript {FOLDER}/{name[:12]}….json answers this request; expected one, "
                "because replay asks nobody; run it once with the network, or restore the file"
            )
        self.budget.demand()
        answer = self.send(request)
        self.budget.note(_tokens(answer.get("usage")))
        text = json.dumps({"request": request, "answer": answer}, indent=1, sort_keys=True) + "\n"
        write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))
        return answer


def _tokens(usage: object) -> int:
    """The tokens that an answer says it took; 0 where it says nothing."""
    counts = {name: value for name, value in usage.items() if type(value) is int} if isinstance(usage, dict) else {}
    return counts.get("total_tokens", counts.get("input_tokens", 0) + counts.get("output_tokens", 0))


def _answer(path: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["request"] == json.loads(json.dumps(request)) and isinstance(kept["answer"], dict):
            found: dict[str, Any] = kept["answer"]
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise ProjectError(f"{FOLDER}/{path.name} is damaged or answers another request; expected it as it was recorded")


def address(request: Mapping[str, Any]) -> str:
    """The name of a request's file: the hash of all that it says."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

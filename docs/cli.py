"""Writes docs/cli.md: every verb and option of the command line, from the program itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer.main

from cutaway.cli import app

PAGE = Path(__file__).with_suffix(".md")
TOP = """# The command line

Written from the program by `python docs/cli.py`; a test checks that it is up to date.

Every verb exits with 0 when done, 2 for anything that you can mend (one line says what was given, what was expected and
what to try), 1 for a fault of ours. `--debug` anywhere shows tracebacks.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([TOP, *(section(name, verb) for name, verb in sorted(verbs().items()))])


def verbs() -> dict[str, Any]:
    """Every verb of the program by its name; those of a group by the group's name and their own."""
    return _flat(typer.main.get_command(app))


def _flat(group: Any, above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, verb in group.commands.items():
        found |= _flat(verb, f"{above}{name} ") if hasattr(verb, "commands") else {f"{above}{name}": verb}
    return found


def section(name: str, verb: Any) -> str:
    """One verb: what it does, how it is called, what its options mean."""
    arguments = [p for p in verb.params if p.param_type_name == "argument"]
    options = [p for p in verb.params if p.param_type_name == "option" and "--help" not in p.opts]
    call = " ".join(["cutaway", name, *((p.metavar or p.name.upper()) for p in arguments)])
    rows = [f"| `{' '.join(p.opts)}` | {(p.help or '').strip()} |" for p in options]
    table = ["| option | meaning |", "| --- | --- |", *rows, ""] if rows else []
    return "\n".join([f"## {call}\n", f"{(verb.help or '').strip()}\n", *table])


if __name__ == "__main__":
    PAGE.write_text(page())

"""Writes docs/cli.md: every verb and option of the command line, from the program itself."""

from __future__ import annotations

from pathlib import Path

import click
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
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group)
    return "\n".join([TOP, *(section(name, verb) for name, verb in sorted(group.commands.items()))])


def section(name: str, verb: click.Command) -> str:
    """One verb: what it does, how it is called, what its options mean."""
    arguments = [p for p in verb.params if isinstance(p, click.Argument)]
    options = [p for p in verb.params if isinstance(p, click.Option)]
    call = " ".join(["cutaway", name, *(p.make_metavar(click.Context(verb)) for p in arguments)])
    rows = [f"| `{' '.join(p.opts)}` | {(p.help or '').strip()} |" for p in options if "--help" not in p.opts]
    table = ["| option | meaning |", "| --- | --- |", *rows, ""] if rows else []
    return "\n".join([f"## {call}\n", f"{(verb.help or '').strip()}\n", *table])


if __name__ == "__main__":
    PAGE.write_text(page())

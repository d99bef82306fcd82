"""`cutaway data`: which kinds of data set can be read, and how each is written as a spec."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def data(as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False) -> None:
    """List the forms of data spec that every verb with --data understands."""
    from cutaway.data.specs import FORMATS

    if as_json:
        rows = [{"format": name, "spec": one.example, "says": one.says} for name, one in FORMATS.items()]
        typer.echo(json.dumps({"formats": rows}, indent=1))
        return
    wide = max(len(one.example) for one in FORMATS.values())
    for one in FORMATS.values():
        typer.echo(f"{one.example:<{wide}}  {one.says}")

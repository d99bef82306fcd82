"""`cutaway models`: which networks come with the package, and how others are loaded."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

FORMS = (
    ("torchvision:NAME", "torchvision's classifiers, with their published weights"),
    ("timm:NAME", "timm's classifiers"),
    ("hf:NAME or hf:FOLDER", "image classifiers of transformers"),
    ("FILE.py:FACTORY", "your own: a function that returns a torch module or a cutaway Model"),
    ("SPEC@FILE.safetensors", "any of these with your weights"),
)


def models(as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False) -> None:
    """List the networks that come with the package, and the forms of spec that load others."""
    from cutaway.nets.zoo import ZOO

    known = [
        {
            "spec": entry.name,
            "says": entry.says,
            "input": entry.preprocess.shape,
            "classes": entry.classes,
            "weights": "shipped" if entry.shipped else "random until you pass --weights",
        }
        for entry in ZOO.values()
    ]
    forms = [{"spec": form, "says": says} for form, says in FORMS]
    if as_json:
        typer.echo(json.dumps({"models": known, "forms": forms}, indent=1))
    else:
        _print(known, forms)


def _print(known: list[dict[str, Any]], forms: list[dict[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("spec", "what it is", "weights"):
        table.add_column(heading, overflow="fold")
    for entry in known:
        table.add_row(entry["spec"], entry["says"], entry["weights"])
    for form in forms:
        table.add_row(form["spec"], form["says"], "")
    Console().print(table)

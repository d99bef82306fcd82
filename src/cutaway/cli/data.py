"""`cutaway data`: which kinds of data set can be read, how each is written as a spec, and PartWorld's gallery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def data(
    name: Annotated[str | None, typer.Argument(metavar="[FORMAT]", help="one format alone: partworld, ...")] = None,
    gallery: Annotated[bool, typer.Option("--gallery", help="Write a page that shows the data (partworld).")] = False,
    out: Annotated[Path, typer.Option(help="The page's file.")] = Path("out/partworld/gallery.html"),
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """List the forms of data spec that every verb with --data understands, or show what PartWorld looks like."""
    from cutaway.core.errors import OptionError, choose
    from cutaway.data.specs import FORMATS

    chosen = FORMATS if name is None else {name: FORMATS[choose(name, FORMATS, "data format")]}
    if gallery:
        if name != "partworld":
            raise OptionError(
                f'no gallery of "{name or "every format"}"; expected partworld; try: data partworld --gallery'
            )
        from cutaway.data.partworld.gallery import write_gallery

        page = str(write_gallery(out, seed))
        typer.echo(json.dumps({"gallery": page}) if as_json else page)
        return
    if as_json:
        rows = [{"format": key, "spec": one.example, "says": one.says} for key, one in chosen.items()]
        typer.echo(json.dumps({"formats": rows}, indent=1))
        return
    wide = max(len(one.example) for one in chosen.values())
    for one in chosen.values():
        typer.echo(f"{one.example:<{wide}}  {one.says}")

"""`cutaway data`: which kinds of data set can be read, how each is written as a spec, and PartWorld's gallery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def data(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[FORMAT or SPEC]", help="one format alone (partworld, ...), or what a spec holds"),
    ] = None,
    gallery: Annotated[bool, typer.Option("--gallery", help="Write a page that shows the data (partworld).")] = False,
    out: Annotated[Path, typer.Option(help="The page's file, or the folder for it.")] = Path(
        "out/partworld/gallery.html"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """List the forms of data spec that every verb with --data understands, what one holds, or how PartWorld looks."""
    from cutaway.core.errors import OptionError, choose
    from cutaway.data.specs import FORMATS

    if name is not None and ":" in name and not gallery:
        _holds(name, as_json)
        return
    chosen = FORMATS if name is None else {name: FORMATS[choose(name, FORMATS, "data format")]}
    if gallery:
        if name != "partworld":
            raise OptionError(
                f'no gallery of "{name or "every format"}"; expected partworld; try: data partworld --gallery'
            )
        from cutaway.data.partworld.gallery import write_gallery

        page = str(write_gallery(out if out.suffix else out / "gallery.html", seed))
        typer.echo(json.dumps({"gallery": page}) if as_json else page)
        return
    if as_json:
        rows = [{"format": key, "spec": one.example, "says": one.says} for key, one in chosen.items()]
        typer.echo(json.dumps({"formats": rows}, indent=1))
        return
    wide = max(len(one.example) for one in chosen.values())
    for one in chosen.values():
        typer.echo(f"{one.example:<{wide}}  {one.says}")


def _holds(spec: str, as_json: bool) -> None:
    """How many pictures a spec holds, and of which classes; opening it also finds what is wrong with it."""
    from cutaway.data.specs import open_dataset

    found = open_dataset(spec)
    if as_json:
        typer.echo(json.dumps({"spec": spec, "pictures": len(found), "labels": list(found.labels)}))
    else:
        typer.echo(f"{len(found):,} pictures of {len(found.labels)} classes: {', '.join(found.labels)}")

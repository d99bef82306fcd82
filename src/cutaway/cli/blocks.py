"""`cutaway blocks`: the building blocks of one picture, end to end, as one page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutaway.cli.explain import printable, progress, safe_name
from cutaway.cli.options import ModelOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cutaway.data.pictures import Source


def blocks(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture file.")],
    options: ModelOptions,
    target: Annotated[str | None, typer.Option(help="The class to explain, a label or index; else the answer.")] = None,
    versus: Annotated[str | None, typer.Option(help="The class to compare it with; else none.")] = None,
    layer: Annotated[str | None, typer.Option(help="Where to look inside; else the deepest with a grid.")] = None,
    source: Annotated[
        str | None, typer.Option(help="An earlier layer, for what stands behind each place; else the last finer one.")
    ] = None,
    groups: Annotated[int, typer.Option(min=1, help="Neuron groups.")] = 6,
    data: Annotated[str | None, typer.Option(help="A data spec, for an activation atlas over its pictures.")] = None,
    atlas: Annotated[int, typer.Option(min=4, help="Pictures of the data that the atlas is made from.")] = 200,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each visualization: more is sharper and slower.")] = 64,
    out: Annotated[Path | None, typer.Option(help="Folder for the page; out/NAME where left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files' names as JSON.")] = False,
) -> None:
    """Draw the building blocks of one picture: what the network saw at each place, where and what mattered to it, and
    which channels fire together."""
    from cutaway.blocks import building_blocks
    from cutaway.explain import make_folder

    folder = make_folder(out or Path("out") / safe_name(image))
    with progress() as say:
        say("the network")
        model = options.open()
        picture = model.prepare(image)
        found = building_blocks(
            model,
            picture,
            target,
            versus,
            layer=layer,
            source=source,
            groups=groups,
            probing=None if data is None else _some(data, atlas),
            steps=steps,
            seed=options.seed,
            batch_size=options.batch_size,
            name=printable(image.name),
            progress=say,
        )
        say("the page")
        page = found.save(folder)
    sheets = {name: str(folder / f"{name}.png") for name in found.sheets}
    if as_json:
        typer.echo(json.dumps({"layer": found.groups.layer, "page": str(page), "sheets": sheets}, indent=1))
    else:
        typer.echo("\n".join(printable(path) for path in sheets.values()))
        typer.echo(f"\nopen in a browser: {printable(str(page))}")


def _some(data: str, count: int) -> Sequence[Source]:
    """So many pictures of a data set, evenly spread over it."""
    from cutaway.data.specs import open_dataset

    dataset = open_dataset(data)
    step = max(1, len(dataset) // count)
    return [dataset[index].picture for index in range(0, len(dataset), step)][:count]

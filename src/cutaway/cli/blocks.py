"""`cutaway blocks`: the building blocks of one picture, each drawn on a sheet of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

import typer

from cutaway.cli.explain import printable, progress, safe_name
from cutaway.cli.options import ModelOptions
from cutaway.report.drawing import Raster, png


class Block(Protocol):
    """What every building block can do."""

    def draw(self) -> Raster: ...


def blocks(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture file.")],
    options: ModelOptions,
    target: Annotated[str | None, typer.Option(help="The class to explain, a label or index; else the answer.")] = None,
    versus: Annotated[str | None, typer.Option(help="The class to compare it with; else none.")] = None,
    layer: Annotated[str | None, typer.Option(help="Where to look inside; else the deepest with a grid.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the sheets; out/NAME where left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the sheets' names as JSON.")] = False,
) -> None:
    """Draw the building blocks of one picture: channel attribution, semantic dictionary, activation grid."""
    from cutaway.blocks import activation_grid, channel_attribution, default_layer, semantic_dictionary
    from cutaway.core.cache import write_atomically
    from cutaway.core.errors import LayerError
    from cutaway.explain import make_folder

    folder = make_folder(out or Path("out") / safe_name(image))
    with progress() as say:
        say("the network")
        model = options.open()
        picture = model.prepare(image)
        layer = layer or default_layer(model, picture)
        if layer is None:
            raise LayerError(f"{model.name} has no layer with a grid of places; expected one; try cutaway explain")
        seed = options.seed
        makers: dict[str, Callable[[], Block]] = {
            "channel_attribution": lambda: channel_attribution(model, picture, layer, target, versus, seed=seed),
            "semantic_dictionary": lambda: semantic_dictionary(model, picture, layer, seed=seed),
            "activation_grid": lambda: activation_grid(model, picture, layer, seed=seed),
        }
        files = {}
        for name, make in makers.items():
            say(f"{name} of {layer}")
            files[name] = folder / f"{name}.png"
            write_atomically(files[name], partial(Path.write_bytes, data=png(make().draw())))
    if as_json:
        typer.echo(json.dumps({"layer": layer, "sheets": {name: str(path) for name, path in files.items()}}, indent=1))
    else:
        typer.echo("\n".join(printable(str(path)) for path in files.values()))

"""`cutaway name`: the units of a layer in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutaway.cli.explain import printable, progress
from cutaway.cli.options import ModelOptions

if TYPE_CHECKING:
    from cutaway.core.types import Pictures
    from cutaway.naming import Captioned, UnitNames
    from cutaway.nets.model import Model

BATCH = 64
SHOWN = 12


def name(
    options: ModelOptions,
    layer: Annotated[list[str], typer.Option(metavar="L", help="A layer; may be given several times.")],
    captions: Annotated[
        Path, typer.Option(metavar="FILE", help="Captioned pictures: .jsonl, COCO .json, Flickr .txt.")
    ],
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures; else the captions' own.")] = None,
    vocabulary: Annotated[Path | None, typer.Option(metavar="FILE.txt", help="Phrases, one a line; else ours.")] = None,
    encoder: Annotated[str, typer.Option(help="Text encoder: shipped, minilm, or hf:FOLDER.")] = "shipped",
    control: Annotated[bool, typer.Option(help="Hold names against the same network untrained.")] = True,
    method: Annotated[str | None, typer.Option(help="Of naming; else the best on held-out pictures.")] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Also a page with the units' pictures.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The names.")] = Path("names.json"),
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """Name the units of a layer by the phrases that are seen in the pictures that they fire on."""
    from cutaway import naming
    from cutaway.naming.files import save_names, to_rows
    from cutaway.naming.layers import layer_activations, unit_labels, untrained
    from cutaway.naming.page import write_page
    from cutaway.naming.sentences import with_sentences

    phrases = None if vocabulary is None else naming.read_vocabulary(vocabulary)
    reader = naming.open_encoder(encoder)
    told, notes = naming.read_captions(captions, images)
    with progress() as say:
        say("the network")
        model = options.open()
        units = unit_labels(model, layer)
        say(f"{len(told)} pictures through {', '.join(layer)}")
        size = options.batch_size or BATCH
        fired = layer_activations(model, batches(model, told, size), layer)
        other = untrained(model, options.seed) if control else None
        against = None if other is None else layer_activations(other, batches(other, told, size), layer)
        say("captions and units")
        coupling = naming.fit_coupling(
            fired, [each.captions for each in told], reader, method=method, seed=options.seed, control=against
        )
        say("names")
        found = with_sentences(coupling, naming.name_units(coupling, phrases, units=units))
    save_names(found, out)
    if page is not None:
        write_page(found, [each.image for each in told], page, f"{', '.join(layer)} of {model.name}")
    reached = {one: round(value, 3) for one, value in coupling.held_out.items()}
    for line in (*notes, f"method {coupling.method}" + (f", held out: {reached}" if reached else "")):
        typer.echo(f"note: {printable(line)}", err=True)
    typer.echo(json.dumps(to_rows(found), indent=1) if as_json else _in_words(found, out))


def batches(model: Model, told: Sequence[Captioned], size: int) -> Iterator[Pictures]:
    """The captioned pictures, prepared for the network."""
    for start in range(0, len(told), size):
        yield model.prepare([each.image for each in told[start : start + size]])


def _in_words(found: Sequence[UnitNames], out: Path) -> str:
    named = sorted((unit for unit in found if not unit.abstained), key=lambda unit: -unit.names[0].score)
    lines = [f"{unit.unit}  {unit.text}  {unit.names[0].score:.2f}" for unit in named[:SHOWN]]
    more = [f"... and {len(named) - SHOWN} more"] if len(named) > SHOWN else []
    return "\n".join(map(printable, [*lines, *more, f"{len(named)} of {len(found)} units have a name: {out}"]))

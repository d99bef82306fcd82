"""`cutaway name`: the units of a layer in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from cutaway.cli.explain import printable, progress
from cutaway.cli.options import ModelOptions
from cutaway.core.errors import OptionError

if TYPE_CHECKING:
    from cutaway.core.types import Pictures
    from cutaway.naming import Captioned, TextEncoder, UnitNames
    from cutaway.naming.layers import Reading
    from cutaway.naming.negation import NegationGap
    from cutaway.nets.model import Model

BATCH = 64
SHOWN = 12
GROUPED = 64  # pictures that neuron groups are found on


def name(
    options: ModelOptions,
    layer: Annotated[list[str], typer.Option(metavar="L", help="A layer; may be given several times.")],
    captions: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Captioned pictures: .jsonl, COCO .json, Flickr .txt, or a data spec."),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures; else the captions' own.")] = None,
    captioner: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A BLIP that writes the captions (needs --images).")
    ] = None,
    vocabulary: Annotated[Path | None, typer.Option(metavar="FILE.txt", help="Phrases, one a line; else ours.")] = None,
    encoder: Annotated[
        str, typer.Option(help="Text encoder: shipped, minilm, or hf:FOLDER, which needs no captions.")
    ] = "shipped",
    control: Annotated[
        int, typer.Option(metavar="N", min=0, help="Untrained networks that names are held against.")
    ] = 5,
    method: Annotated[str | None, typer.Option(help="Of naming; else the best on held-out pictures.")] = None,
    heads: Annotated[int | None, typer.Option(metavar="N", min=1, help="Name the layer's N attention heads.")] = None,
    groups: Annotated[int | None, typer.Option(metavar="N", min=1, help="Name N neuron groups of the layer.")] = None,
    directions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Name these directions: safetensors, one a row.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Also a page with the units' pictures.")
    ] = None,
    activations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also what each unit did, for consolidate: safetensors.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The names.")] = Path("names.json"),
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """Name the units of a layer by the phrases that are seen in the pictures that they fire on."""
    from cutaway import naming
    from cutaway.naming.files import save_activations, save_names, to_rows
    from cutaway.naming.layers import layer_activations, untrained_activations
    from cutaway.naming.looking import look
    from cutaway.naming.negation import negation_gap
    from cutaway.naming.page import write_page
    from cutaway.naming.probing import one_by_one
    from cutaway.naming.scoring import method_of
    from cutaway.naming.sentences import with_sentences
    from cutaway.naming.sightings import Said

    if method is not None:
        method_of(method)
    phrases = None if vocabulary is None else naming.read_vocabulary(vocabulary)
    reader = naming.open_encoder(encoder)
    with progress() as say:
        say("the network")
        model = options.open()
        size = options.batch_size or BATCH
        say("captions")
        told, notes = _told(captions, images, captioner, reader, out)
        say(f"{len(told)} pictures through {', '.join(layer)}")
        reading, units = _reading(model, layer, told[:GROUPED], (heads, groups, directions), options.seed)
        fired = layer_activations(model, batches(model, told, size), layer, reading)
        say(f"the same through {control} untrained networks")
        drawn = (model, batches(model, told, size), layer, control, options.seed, reading)
        against = untrained_activations(*drawn) if control else None
        say("captions and units")
        said = [each.captions for each in told] if told[0].captions else look(one_by_one(told), reader)
        coupling = naming.fit_coupling(fired, said, reader, method=method, seed=options.seed, control=against)
        say("names")
        found = with_sentences(coupling, naming.name_units(coupling, phrases, units=units))
    save_names(found, out)
    if activations is not None:
        save_activations(fired, units, activations)
    if page is not None:
        write_page(found, [each.source for each in told], page, f"{', '.join(layer)} of {model.name}")
    if isinstance(coupling.said, Said):
        notes = (*notes, *_negation(negation_gap(coupling.said, reader)))
    reached = {one: round(value, 3) for one, value in coupling.held_out.items()}
    for line in (*notes, f"method {coupling.method}" + (f", held out: {reached}" if reached else "")):
        typer.echo(f"note: {printable(line)}", err=True)
    typer.echo(json.dumps(to_rows(found), indent=1) if as_json else _in_words(found, out))


def batches(model: Model, told: Sequence[Captioned], size: int) -> Iterator[Pictures]:
    """The captioned pictures, prepared for the network."""
    for start in range(0, len(told), size):
        yield model.prepare([each.source for each in told[start : start + size]])


def _told(
    captions: str | None, images: Path | None, captioner: Path | None, reader: TextEncoder, out: Path
) -> tuple[tuple[Captioned, ...], tuple[str, ...]]:
    """The captioned pictures; with an image tower and no captions the pictures alone."""
    from cutaway.naming.captioner import Captioner
    from cutaway.naming.looking import ImageTower
    from cutaway.naming.probing import only_pictures, open_captions, write_captions

    if captioner is not None:
        if images is None:
            raise OptionError("--captioner without pictures; expected a folder of them; try --images FOLDER")
        captions = captions or str(out.with_suffix(".captions.txt"))
        if not Path(captions).is_file():
            write_captions(only_pictures(images), Captioner.load(str(captioner)), Path(captions))
    if captions is not None:
        return open_captions(captions, images)
    if images is None or not isinstance(reader, ImageTower):
        raise OptionError(
            f'no captions, and the encoder "{reader.name}" is not shown pictures; expected words for the pictures; '
            "try --captions FILE, --captioner FOLDER, or --encoder hf:FOLDER with --images FOLDER"
        )
    return only_pictures(images), ()


def _reading(
    model: Model,
    layers: Sequence[str],
    some: Sequence[Captioned],
    asked: tuple[int | None, int | None, Path | None],
    seed: int,
) -> tuple[Reading, tuple[str, ...]]:
    """What is read off the layers, and what the units are called."""
    from cutaway.naming.files import read_directions
    from cutaway.naming.layers import along, channels, heads, unit_labels

    count, groups, directions = asked
    if sum(each is not None for each in asked) > 1:
        raise OptionError("more than one of --heads, --groups, --directions; expected one; leave the others out")
    if count is not None:
        return heads(count), tuple(f"{layer}:head {i}" for layer in layers for i in range(count))
    if groups is None and directions is None:
        return channels, unit_labels(model, layers)
    if len(layers) > 1:
        raise OptionError(f"{len(layers)} layers; expected one for --groups and --directions; try --layer {layers[0]}")
    rows = read_directions(directions) if directions else _groups(model, layers[0], some, groups or 1, seed)
    kind = "direction" if directions else "group"
    return along(rows), tuple(f"{layers[0]}:{kind} {i}" for i in range(len(rows)))


def _groups(model: Model, layer: str, some: Sequence[Captioned], count: int, seed: int) -> np.ndarray:
    from cutaway.blocks import neuron_groups

    pictures = model.prepare([each.source for each in some])
    return neuron_groups(model, pictures, layer, count, seed, visualize=False).directions.numpy()


def _negation(found: NegationGap) -> list[str]:
    """What to know before relying on "without"; nothing where captions deny nothing."""
    told = f'"with" and "without" are {found.captions:.2f} apart in the captions (1 is wholly; in the encoder alone '
    return [f"{told}{found.encoder:.2f}), over {found.denials} denied thing(s)"] if found.denials else []


def _in_words(found: Sequence[UnitNames], out: Path) -> str:
    named = sorted((unit for unit in found if not unit.abstained), key=lambda unit: -unit.names[0].score)
    lines = [f"{unit.unit}  {unit.text}  {unit.names[0].score:.2f}" for unit in named[:SHOWN]]
    more = [f"... and {len(named) - SHOWN} more"] if len(named) > SHOWN else []
    return "\n".join(map(printable, [*lines, *more, f"{len(named)} of {len(found)} units have a name: {out}"]))

"""`cutaway consolidate`: units of one meaning put together."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutaway.cli.explain import printable

if TYPE_CHECKING:
    from cutaway.naming.consolidate import Consolidated

SHOWN = 12


def consolidate(
    names: Annotated[Path, typer.Argument(metavar="NAMES.json", help="What cutaway name wrote.")],
    activations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What cutaway name --activations wrote; tells redundant units.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The groups.")] = Path("groups.json"),
    close: Annotated[float, typer.Option(help="Mean distance up to which units join, 0 to 1.", min=0, max=1)] = 0.5,
    encoder: Annotated[str, typer.Option(help="Text encoder: shipped, minilm, or hf:FOLDER.")] = "shipped",
    llm: Annotated[
        str | None, typer.Option(metavar="API:MODEL", help="anthropic:... or openai:...; else none.")
    ] = None,
    llm_url: Annotated[str, typer.Option(help="Another address that speaks that API.")] = "",
    transcripts: Annotated[Path, typer.Option(help="Folder where every exchange is kept.")] = Path("transcripts"),
    replay: Annotated[bool, typer.Option(help="Answer from the transcripts alone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """Put units of one meaning together, name each group, and report outliers.

    A language model may phrase the groups.
    """
    from cutaway.core.cache import write_atomically
    from cutaway.core.errors import OptionError
    from cutaway.naming.consolidate import consolidate as grouped
    from cutaway.naming.consolidate import with_phrasing
    from cutaway.naming.encoders import open_encoder
    from cutaway.naming.files import read_activations, read_names
    from cutaway.naming.phrasing import Chat, phrasings

    units = read_names(names)
    fired = None if activations is None else read_activations(activations, [unit.unit for unit in units])
    found = grouped(units, fired, encoder=open_encoder(encoder), close=close)
    if llm is not None:
        api, mark, model = llm.partition(":")
        if not mark or not model:
            raise OptionError(f'--llm "{llm}"; expected anthropic:MODEL or openai:MODEL; name the model after a colon')
        chat = Chat(api, model, transcripts, llm_url, replay=replay)
        texts, notes = phrasings(found.groups, {unit.unit: unit.text for unit in units}, chat)
        found = with_phrasing(found, texts)
        for note in notes:
            typer.echo(f"note: {printable(note)}", err=True)
    text = json.dumps(asdict(found), indent=1) + "\n"
    write_atomically(out, lambda beside: beside.write_text(text, encoding="utf-8"))
    typer.echo(text if as_json else _in_words(found, out))


def _in_words(found: Consolidated, out: Path) -> str:
    lines = [f"{group.phrasing or group.name}  {len(group.units)} units" for group in found.groups[:SHOWN]]
    more = [f"... and {len(found.groups) - SHOWN} more groups"] if len(found.groups) > SHOWN else []
    redundant = sum(len(group.redundant) for group in found.groups)
    counts = f"{len(found.groups)} groups, {redundant} redundant, {len(found.outliers)} outliers"
    last = f"{counts}, {len(found.unnamed)} without a name: {out}"
    return "\n".join(map(printable, [*lines, *more, last]))

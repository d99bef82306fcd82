"""`cutaway explain`: why a network says what it says about one picture, as a page."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.options import ModelOptions
from cutaway.report.schema import Channel, ExplanationData, Score, UnitName

SHOWN = 3  # channels on each side of the printed summary


def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture file.")],
    options: ModelOptions,
    target: Annotated[str | None, typer.Option(help="The class to explain, a label or index; else the answer.")] = None,
    versus: Annotated[str | None, typer.Option(help="The class to compare it with; else the best other one.")] = None,
    layer: Annotated[str | None, typer.Option(help="Where to look inside; else the deepest with a grid.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the page; out/NAME where left out.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each visualization: more is sharper and slower.")] = 128,
    names: Annotated[Path | None, typer.Option(help="names.json of cutaway name, shown beside the units.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every number as JSON.")] = False,
) -> None:
    """Explain one decision: why this class, and why rather than another."""
    from cutaway.explain import explain as explain_picture
    from cutaway.explain import make_folder
    from cutaway.naming.files import read_names

    known = read_names(names) if names else ()
    folder = out or (None if as_json else Path("out") / safe_name(image))
    command = command_of(image, options, target, versus, layer, names)
    with progress() as say:
        say("the network")
        if out:
            make_folder(out)
        model = options.open()
        found = explain_picture(
            model,
            image,
            target,
            versus,
            layer=layer,
            seed=options.seed,
            steps=steps,
            batch_size=options.batch_size,
            names=known,
            command=command,
            progress=say,
        )
        say("the page")
        page = found.save(folder) if folder else None
    typer.echo(found.json().rstrip() if as_json else summary(found.data))
    if page:
        typer.echo(f"\nopen in a browser: {printable(str(page))}", err=as_json)


def summary(data: ExplanationData) -> str:
    """What the page says, in a few lines of text."""
    lines = [printable(f"{data.picture.source}, seen by {data.model.name}"), ""]
    likeliest = [data.target, *([data.versus] if data.versus else [])]
    known = {score.index for score in likeliest}
    lines += _classes(data, [*likeliest, *(score for score in data.predictions if score.index not in known)][:4])
    if data.channels and data.channels.arguing_for + data.channels.arguing_against:
        compared = " rather than the other class" if data.versus else ""
        lines += ["", f"channels of {printable(data.channels.layer)}, and what the margin loses without each:"]
        lines += _channels(f"for it{compared}", data.channels.arguing_for[:SHOWN], data.names)
        lines += _channels("against it", data.channels.arguing_against[:SHOWN], data.names)
    return "\n".join([*lines, *(f"\nnote: {printable(note)}" for note in data.notes)])


def printable(text: str) -> str:
    """Text from outside without its control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else "�" for character in text)


def safe_name(path: Path) -> str:
    """A folder's name from a file's, with nothing in it that means another folder."""
    return re.sub(r"[^\w-]+", "_", path.stem).strip("_") or "picture"


def command_of(image: Path, options: ModelOptions, *asked: str | Path | None) -> str:
    """The command line that makes the same explanation again."""
    given = [(field.name.replace("_", "-"), getattr(options, field.name), field.default) for field in fields(options)]
    named = [(name, value) for name, value, default in given if value != default or name == "model"]
    named += [(name, value) for name, value in zip(("target", "versus", "layer", "names"), asked, strict=True) if value]
    words = [word for name, value in named for word in (f"--{name}", str(value))]
    return shlex.join(["cutaway", "explain", str(image), *words]).encode("utf-8", "replace").decode()


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Says on stderr what is being done, where a person watches."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda text: status.update(printable(text))


def _classes(data: ExplanationData, scores: list[Score]) -> list[str]:
    width = min(40, max(len(score.label) for score in scores))
    marks = {data.target.index: "explained", data.versus.index if data.versus else -1: "compared with"}
    return [
        f"  {printable(score.label)[:width]:<{width}}  {100 * score.probability:5.1f} %  logit {score.logit:7.2f}  "
        f"{marks.get(score.index, '')}".rstrip()
        for score in scores
    ]


def _channels(side: str, channels: list[Channel], names: dict[str, UnitName]) -> list[str]:
    called = {unit: f"  {printable(name.text)}" for unit, name in names.items()}
    return [f"  {side}"] * bool(channels) + [
        f"    {channel.unit.rpartition(':')[2]:>5}  {-channel.ablation.change:+7.2f} measured, "
        f"{channel.attribution:+7.2f} estimated; then {printable(channel.ablation.prediction.label)} "
        f"{100 * channel.ablation.prediction.probability:.1f} %{called.get(channel.unit, '')}"
        for channel in channels
    ]

"""`cutaway construct observe | segment | label | replay` and `ontology propose`: from pictures to nodes with labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutaway.core.errors import OptionError

if TYPE_CHECKING:
    from cutaway.construct.annotators import Annotator
    from cutaway.construct.project import Project
    from cutaway.construct.segments import Segmenter as Cutter

Folder = Annotated[Path, typer.Option("--project", help="The project's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable results.")]
Segmenter = Annotated[str, typer.Option(help="slic, felzenszwalb, mask-file, or sam:FOLDER with a checkpoint.")]


def observe(
    data: Annotated[str, typer.Option(help="A data spec; its place is found from the project's folder.")],
    project: Folder = Path("."),
    most: Annotated[int | None, typer.Option(min=1, help="At most so many pictures.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test; by likeness where left out")] = None,
    as_json: AsJson = False,
) -> None:
    """Add pictures to the project, each in a split for good."""
    from cutaway.construct.observing import observe as add
    from cutaway.construct.project import open_project

    found = add(open_project(project), data, most, split)
    for line in found.unreadable:
        typer.echo(f"left out: {line}", err=True)
    if as_json:
        typer.echo(json.dumps(vars(found)))
    else:
        typer.echo(f"{found.added} pictures added, {found.known} known already, {len(found.unreadable)} unreadable")


def propose(
    project: Folder = Path("."),
    annotator: Annotated[
        str | None, typer.Option(help="offline, captions, anthropic, openai or file.py:function")
    ] = None,
    segmenter: Segmenter = "felzenszwalb",
    most: Annotated[int | None, typer.Option(min=1, help="Look at no more than so many pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show training pictures to an annotator and write the nodes that it proposes."""
    _propose(project, annotator, segmenter, most, as_json, replay=False)


def replay(
    project: Folder = Path("."),
    segmenter: Segmenter = "felzenszwalb",
    most: Annotated[int | None, typer.Option(min=1, help="Look at no more than so many pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Grow the ontology again from the transcripts of a language model, without network."""
    _propose(project, None, segmenter, most, as_json, replay=True)


def _propose(
    project: Path, annotator: str | None, segmenter: str, most: int | None, as_json: bool, replay: bool
) -> None:
    from cutaway.construct.changes import diff
    from cutaway.construct.observing import propose as grow
    from cutaway.construct.project import open_project

    opened = open_project(project)
    found = grow(
        opened,
        _annotator(opened, annotator, replay),
        _segmenter(segmenter),
        most,
        lambda line: typer.echo(line, err=True),
    )
    if as_json:
        typer.echo(json.dumps({"counts": found.counts, "operations": found.operations}))
    else:
        typer.echo(diff(opened.ontology, found.ontology), nl=False)


def _annotator(project: Project, name: str | None, replay: bool) -> Annotator:
    from dataclasses import replace

    from cutaway.construct.annotators import annotator
    from cutaway.construct.providers import PROVIDERS, language_model

    settings = project.config.annotator
    chosen = name or settings.name
    if chosen in PROVIDERS:
        return language_model(replace(settings, name=chosen), project.root, replay)
    if replay:
        raise OptionError(f'the annotator "{chosen}" keeps no transcripts; expected {" or ".join(PROVIDERS)}')
    return annotator(chosen)


def _segmenter(name: str) -> str | Cutter:
    from cutaway.construct.segments import sam

    return sam(name.removeprefix("sam:")) if name.startswith("sam:") else name


def segment(
    project: Folder = Path("."),
    segmenter: Segmenter = "felzenszwalb",
    out: Annotated[Path, typer.Option(help="Segments as pictures to sort: unsorted/, yes/.")] = Path("out/segments"),
    most: Annotated[int | None, typer.Option(min=1, help="Of no more than so many pictures.")] = None,
) -> None:
    """Cut pictures into segments and lay them out in a folder, to be sorted by hand."""
    from cutaway.construct.labelling import lay_out
    from cutaway.construct.observing import observations
    from cutaway.construct.project import open_project

    opened = open_project(project)
    count = lay_out(observations(opened.manifest[:most], opened.root, _segmenter(segmenter)), out)
    typer.echo(f"{count} segments in {out / 'unsorted'}; move those that show a node to {out / 'yes'}")


def label(
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node's id.")],
    project: Folder = Path("."),
    masks: Annotated[list[str] | None, typer.Option(help="Names of masks that came with the pictures.")] = None,
    colour: Annotated[list[str] | None, typer.Option(help="By rule: segments of this colour.")] = None,
    form: Annotated[list[str] | None, typer.Option(help="By rule: segments of this form.")] = None,
    model: Annotated[bool, typer.Option("--model", help="By the node's own network.")] = False,
    sorted_: Annotated[Path | None, typer.Option("--sorted", help="By hand: a folder that was sorted.")] = None,
    files: Annotated[Path | None, typer.Option(help="Masks that somebody has drawn, HASH.png.")] = None,
    segmenter: Segmenter = "felzenszwalb",
) -> None:
    """Say where a node shows: by masks, by rule, by its network or by hand. Every label keeps its source."""
    from cutaway.construct import labelling
    from cutaway.construct.observing import observations
    from cutaway.construct.project import open_project

    opened = open_project(project)
    if masks:
        found = labelling.by_masks(opened, node, masks)
    elif model:
        found = labelling.by_model(opened, node)
    elif files:
        found = labelling.from_files(opened, node, files)
    elif colour or form or sorted_:
        seen = observations(opened.manifest, opened.root, _segmenter(segmenter))
        rule = labelling.Rule(tuple(form or ()), tuple(colour or ()))
        found = labelling.by_hand(seen, node, sorted_) if sorted_ else labelling.by_rule(seen, node, rule)
    else:
        raise OptionError(
            "no way to label was given; expected one of --masks, --colour, --form, --model, --sorted, --files"
        )
    shown = labelling.write(opened, node, found)
    typer.echo(f"{node}: {len(found)} pictures labelled, {shown} show it")

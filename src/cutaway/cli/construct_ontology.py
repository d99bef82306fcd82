"""`cutaway construct ontology`: lint, diff, refactor and the tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

ontology_app = typer.Typer(name="ontology", help="Look at the ontology and mend it.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--project", help="The project's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable results.")]


@ontology_app.command()
def lint(project: Folder = Path("."), as_json: AsJson = False) -> None:
    """What is wrong with the ontology; exits with 2 where anything is."""
    from dataclasses import asdict

    from cutaway.construct.findings import lint as find
    from cutaway.construct.ontology import load

    found = find(load(project))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
    else:
        typer.echo("\n".join(map(str, found)) or "nothing to mend")
    if found:
        raise typer.Exit(2)


@ontology_app.command()
def diff(
    project: Folder = Path("."),
    base: Annotated[str, typer.Option(help="The branch or commit to compare the checkout with.")] = "auto",
) -> None:
    """What has changed since a branch, as markdown."""
    from cutaway.construct.changes import diff as compare
    from cutaway.construct.git import find
    from cutaway.construct.ontology import load

    repository = find(project)
    with repository.worktree(base) as before:
        typer.echo(compare(load(before), load(project)), nl=False)


@ontology_app.command()
def refactor(
    project: Folder = Path("."),
    write: Annotated[bool, typer.Option("--write", help="Write the nodes, for a pull request.")] = False,
    as_json: AsJson = False,
) -> None:
    """Mend what lint finds, and nodes that could not be trained: merge, split, attach, retire."""
    from dataclasses import asdict

    from cutaway.construct.changes import diff as compare
    from cutaway.construct.mending import refactor as propose
    from cutaway.construct.ontology import load, save
    from cutaway.construct.operations import apply

    before = load(project)
    operations = propose(before)
    after = apply(before, operations, at_most=None)
    if write:
        save(after, project)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in operations]))
    else:
        typer.echo(compare(before, after), nl=False)


@ontology_app.command()
def tree(project: Folder = Path(".")) -> None:
    """The tree in lines of text."""
    from cutaway.construct.changes import tree as lines
    from cutaway.construct.ontology import load

    typer.echo("\n".join(lines(load(project))) or "no nodes yet")


@ontology_app.command()
def draw(
    project: Folder = Path("."),
    out: Annotated[Path, typer.Option(help="The file, SVG.")] = Path("out/construct/tree.svg"),
) -> None:
    """The tree as a picture, each node with a cut-out of what it means."""
    from cutaway.construct.materials import material
    from cutaway.construct.ontology import write_text
    from cutaway.construct.picturing import cut_outs, tree
    from cutaway.construct.project import open_project

    opened = open_project(project)
    names = [node.id for node in opened.ontology.active()]
    pictures = cut_outs(material(opened), names) if opened.manifest else {}
    write_text(out, tree(opened.ontology, pictures))
    typer.echo(str(out))

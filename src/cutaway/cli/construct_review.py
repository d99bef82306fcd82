"""`cutaway construct pr` and `promote`: review on plain git."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

pr_app = typer.Typer(name="pr", help="Open, check, review, merge and revert pull requests.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--project", help="The project's folder.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="The pull request's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable results.")]


@pr_app.command("open")
def open_(
    nodes: Annotated[list[str] | None, typer.Argument(metavar="[NODE]", help="The nodes that it changes.")] = None,
    title: Annotated[str, typer.Option(help="One line that says what changes.")] = "",
    kind: Annotated[str, typer.Option(help="node, labels, refactor or data")] = "node",
    project: Folder = Path("."),
) -> None:
    """Put what has changed for a node (or in the ontology, labels or data) on a branch of its own."""
    from cutaway.construct.git import find
    from cutaway.construct.requests import open_request

    named = nodes or []
    request = open_request(find(project), title or f"{kind}: {', '.join(named) or 'changes'}", kind, named)
    typer.echo(f"{request.number}: {request.title}, on branch {request.branch}")


@pr_app.command()
def check(number: Number, project: Folder = Path("."), as_json: AsJson = False) -> None:
    """Put a pull request through all gates, in a clean worktree; exits with 2 where one is shut."""
    from dataclasses import asdict

    from cutaway.construct.git import find
    from cutaway.construct.requests import check as examine

    verdict = examine(find(project), number)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in verdict.checks]))
    else:
        for one in verdict.checks:
            typer.echo(f"{'open' if one.passed else 'SHUT'}  {one.gate:<20} {one.says}")
    if not verdict.passed:
        raise typer.Exit(2)


@pr_app.command()
def review(
    number: Number,
    by: Annotated[str, typer.Option(help="Who reviews.")],
    verdict: Annotated[str, typer.Option(help="approve, comment or block")] = "comment",
    says: Annotated[str, typer.Option(help="What the reviewer says.")] = "",
    project: Folder = Path("."),
) -> None:
    """Comment on a pull request, approve or block it. Nobody can waive a gate."""
    from cutaway.construct.git import find
    from cutaway.construct.requests import review as add

    add(find(project), number, by, verdict, says)
    typer.echo(f"{number}: {verdict} by {by}")


@pr_app.command()
def merge(number: Number, project: Folder = Path(".")) -> None:
    """Merge a pull request into the automatic branch, if all gates are open."""
    from cutaway.construct.git import find
    from cutaway.construct.requests import merge as run

    typer.echo(f"{number}: merged as {run(find(project), number)[:10]}")


@pr_app.command()
def revert(number: Number, project: Folder = Path(".")) -> None:
    """Take a merged pull request out again; every number is as it was before."""
    from cutaway.construct.git import find
    from cutaway.construct.requests import revert as run

    typer.echo(f"{number}: reverted as {run(find(project), number)[:10]}")


def promote(
    by: Annotated[str, typer.Option(help="Who approves; one of those that construct.toml names.")],
    project: Folder = Path("."),
    as_json: AsJson = False,
) -> None:
    """Move main to what is on the automatic branch, if it makes a class better and none worse."""
    from dataclasses import asdict

    from cutaway.construct.git import find
    from cutaway.construct.promotion import promote as run

    found = run(find(project), by)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    for one in found.classes:
        typer.echo(f"{one.label:<16} {one.before:.3f} → {one.after:.3f}  (step {one.low:+.3f} to {one.high:+.3f})")
    typer.echo(f"{found.accuracy.value:.1%} of {found.accuracy.n} pictures right; promoted")

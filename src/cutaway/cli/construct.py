"""`cutaway construct`: a recogniser grown as an ontology and merged by pull requests; one function per verb."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.construct_grow import label, observe, propose, replay, segment
from cutaway.cli.construct_ontology import ontology_app
from cutaway.cli.construct_review import pr_app, promote

construct_app = typer.Typer(
    name="construct",
    help="Grow a recogniser as an ontology of visible parts, one reviewed network each.",
    no_args_is_help=True,
)
construct_app.add_typer(ontology_app)
construct_app.add_typer(pr_app)
ontology_app.command()(propose)

Folder = Annotated[Path, typer.Option("--project", help="The project's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable results.")]


def init(
    project: Folder = Path("."),
    ontology: Annotated[Path | None, typer.Option(help="A hand-made ontology: YAML with a list of nodes.")] = None,
    approver: Annotated[list[str] | None, typer.Option(help="Who may approve what goes to main.")] = None,
    size: Annotated[int, typer.Option(help="Pixels a side that networks see.")] = 64,
) -> None:
    """Start a project: construct.toml on the branches main and auto, and the hand-made ontology in the checkout."""
    from dataclasses import replace

    from cutaway.construct import config
    from cutaway.construct.demonstration import start
    from cutaway.construct.ontology import read_file, save

    tree = read_file(ontology) if ontology else None
    conf = replace(
        config.Config(),
        promotion=config.Promotion(approvers=approver or []),
        learning=config.Learning(size=size),
    )
    start(project, conf)
    if tree is not None:
        save(tree, project)
    typer.echo(f"{project}: a project, on branch {conf.branches.auto}")


def train(
    nodes: Annotated[list[str], typer.Argument(metavar="NODE...", help="Their ids.")],
    project: Folder = Path("."),
    engine: Annotated[str, typer.Option(help="local or ray")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Nodes that are trained side by side.")] = 2,
    seed: Annotated[int | None, typer.Option(min=0, help="Another one than construct.toml's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train the networks of nodes, children before parents."""
    from dataclasses import asdict

    from cutaway.construct.growing import train_many

    done = train_many(project, nodes, engine, workers, lambda line: typer.echo(line, err=as_json), seed)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in done]))


def card(
    node: Annotated[str, typer.Argument(metavar="NODE", help="The node's id.")],
    project: Folder = Path("."),
    as_json: AsJson = False,
) -> None:
    """Measure a node and write its card: figures with intervals, pictures, what each child is worth."""
    from cutaway.construct import cards
    from cutaway.construct.materials import material
    from cutaway.construct.project import open_project
    from cutaway.construct.tree import grown

    opened = open_project(project)
    opened.ontology[node]
    made = cards.write(opened, node, grown(opened, [node]), material(opened))
    typer.echo(json.dumps(made) if as_json else f"{made['claim']}\n{opened.net(node) / cards.PAGE}")


def evaluate(project: Folder = Path("."), as_json: AsJson = False) -> None:
    """How well the project as it lies there recognises its classes, on its test pictures."""
    from dataclasses import asdict

    from cutaway.construct.project import open_project
    from cutaway.construct.promotion import recognised

    found = recognised(open_project(project))
    if as_json:
        typer.echo(json.dumps({name: asdict(figure) for name, figure in found.items()}))
        return
    for name, figure in found.items():
        typer.echo(f"{name:<20} {figure.value:.3f}  ({figure.low:.3f} to {figure.high:.3f}, n = {figure.n})")


def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The picture.")],
    project: Folder = Path("."),
    out: Annotated[Path, typer.Option(help="The page's folder.")] = Path("out/construct"),
    as_json: AsJson = False,
) -> None:
    """Show the tree lit up: which node fired where, and what the answer would be without it."""
    from cutaway.construct.lighting import light, summary, write
    from cutaway.construct.project import open_project
    from cutaway.data.pictures import read_image

    lit = light(open_project(project), read_image(image))
    page = write(lit, out)
    typer.echo(json.dumps(lit.plain()) if as_json else f"{summary(lit)}\n{page}")


def leak(project: Folder = Path("."), as_json: AsJson = False) -> None:
    """Whether classes are read off their parts: ablation, true masks in their place, what lies outside."""
    from cutaway.construct.leakage import leaks
    from cutaway.construct.project import open_project

    rows = leaks(open_project(project))
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(f"{'ok  ' if row['passed'] else 'LEAK'} {row['test']:<28} {row['node']:<16} {row['says']}")


def demo(
    out: Annotated[Path, typer.Option(help="An empty folder for the project.")] = Path("out/construct-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 7,
    family: Annotated[str, typer.Option(help="flower, bird, fish, vehicle or building")] = "flower",
    workers: Annotated[int, typer.Option(min=1, help="Nodes that are trained side by side.")] = 2,
    as_json: AsJson = False,
) -> None:
    """From an empty folder to a promoted recogniser of four classes of PartWorld, all through pull requests."""
    from dataclasses import asdict

    from cutaway.construct.demonstration import demo as run

    done = run(out, seed, family, workers=workers, report=lambda line: typer.echo(line, err=as_json))
    each = sum(one.seconds for one in done.grown) / max(len(done.grown), 1)
    if as_json:
        typer.echo(json.dumps(asdict(done)))
    else:
        typer.echo(f"{done.seconds:.0f} s in all, {each:.0f} s a node; {out}: a git repository on branch auto")


VERBS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "init": init,
    "observe": observe,
    "segment": segment,
    "label": label,
    "train": train,
    "card": card,
    "promote": promote,
    "eval": evaluate,
    "leak": leak,
    "explain": explain,
    "replay": replay,
}
"""In the order in which one comes across them."""

for name, verb in VERBS.items():
    construct_app.command(name)(verb)

"""`cutaway sweep`: a network looks at a whole data set, and a store keeps what each unit answered."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.explain import printable
from cutaway.cli.options import ModelOptions


def sweep(
    options: ModelOptions,
    data: Annotated[str, typer.Option(metavar="SPEC", help="The pictures: partworld:N, cifar10:DIR, folder:DIR, ...")],
    store: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the store; a killed sweep goes on there.")],
    layers: Annotated[
        list[str] | None, typer.Option(metavar="L", help="A layer to look into; else the network's blocks.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local or ray.")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Ray's workers.")] = 2,
    precision: Annotated[str, typer.Option(help="float32, or auto: quicker, and exact to two digits.")] = "float32",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Sweep a network over a data set into a store: what each unit answered, and when it answered most."""
    from cutaway.store import sweep as sweep_into

    with bar() as progress:
        found = sweep_into(
            options.open(),
            data,
            store,
            layers,
            engine,
            workers=workers,
            precision=precision,
            batch_size=options.batch_size,
            progress=progress,
            say=lambda line: typer.echo(printable(line), err=True),
        )
    wrong, known = len(found.query("NOT correct")), len(found.query("correct IS NOT NULL"))
    facts = {
        "store": str(store),
        "pictures": len(found),
        "unreadable": len(found.failed),
        "layers": {layer.name: layer.channels for layer in found.plan.layers},
        "accuracy": 1 - wrong / known if known else None,
    }
    typer.echo(json.dumps(facts) if as_json else printable_facts(found.plan.model, facts))


def printable_facts(model: str, facts: dict[str, object]) -> str:
    """The same in words."""
    layers = facts["layers"]
    units = sum(layers.values()) if isinstance(layers, dict) else 0
    accuracy = facts["accuracy"]
    lines = [
        f"{model} over {facts['pictures']:,} pictures: {units:,} units",
        f"{facts['unreadable']} pictures could not be read: see the column error" if facts["unreadable"] else "",
        f"right about {100 * accuracy:.1f} % of those whose class is known" if isinstance(accuracy, float) else "",
        f"look at it: cutaway serve --store {facts['store']}",
    ]
    return "\n".join(printable(line) for line in lines if line)


@contextmanager
def bar() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr, where a person watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pictures", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

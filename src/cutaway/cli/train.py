"""`cutaway train`: a network by a recipe of the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def train(
    name: Annotated[str, typer.Argument(metavar="RECIPE", help="cifar10, ...")],
    data: Annotated[str | None, typer.Option(help="a data spec; the recipe's own where left out")] = None,
    out: Annotated[Path | None, typer.Option(help="the folder for the runs; out/train/RECIPE where left out")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="how many runs, with seeds 0, 1, ...")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="go on where a killed run stopped")] = False,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="a setting")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="print the cards as JSON, progress to stderr")] = False,
) -> None:
    """Train a network from start to finish, once per seed; each run leaves its weights, card, config and scores."""
    from cutaway.core.devices import device as find_device
    from cutaway.training.recipe import configure, run
    from cutaway.training.recipes import recipe as find_recipe

    recipe = find_recipe(name)
    config = configure(recipe.config, settings or [])
    where = find_device(device)
    folder = out or Path("out") / "train" / name

    def report(line: str) -> None:
        typer.echo(line, err=as_json)

    report(f"{name}: {recipe.claim}")
    cards = [
        run(recipe, config, data or recipe.data, folder / f"seed{seed}", seed, resume, where, report)
        for seed in range(seeds)
    ]
    if as_json:
        typer.echo(json.dumps(cards))

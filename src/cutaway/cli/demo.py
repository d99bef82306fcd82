"""`cutaway demo`: the main job on what is shipped, offline."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cutaway.report.drawing import Raster, png

SCENE = 6  # a bird on a plain ground: every part in sight


@dataclass(frozen=True)
class Exhibit:
    """One picture and the shipped network that it is shown to."""

    name: str
    model: str
    says: str
    picture: Raster


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pages.")] = Path("out"),
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 0,
) -> None:
    """Explain a drawn scene and a real photograph with the shipped networks; one page each."""
    import cutaway as cw
    from cutaway.cli.explain import summary

    pages = []
    for exhibit in exhibits(seed):
        typer.echo(f"\n{exhibit.says}")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{exhibit.name}.png"
            path.write_bytes(png(exhibit.picture))
            explanation = cw.explain(cw.load(exhibit.model), path, seed=seed)
        explanation.save(out / exhibit.name)
        typer.echo(summary(explanation.data))
        pages.append(out / exhibit.name / "index.html")
    typer.echo("\nOpen in a browser:\n" + "\n".join(f"  {page}" for page in pages))
    typer.echo(f"\nThe workbench, with all units and many pictures:\n  {workbench()}")


def workbench() -> str:
    """How to open the workbench from here; the program may lie in an environment that is not active."""
    program = Path(sys.argv[0])
    shown = program.name if shutil.which(program.name) else os.path.relpath(program)
    return f"{shown} serve"


def exhibits(seed: int) -> list[Exhibit]:
    """The two pictures: a PartWorld scene drawn from the seed, and the cat that scikit-image brings."""
    from skimage import data as skimage_data

    from cutaway.data.partworld import render, sample_scene

    scene = render(sample_scene(seed, SCENE), 256).picture
    return [
        Exhibit("scene", "partworld", "A scene that cutaway draws, and the network that learned such scenes:", scene),
        Exhibit("cat", "cifar10", "A photograph of a cat, and the CIFAR-10 network:", skimage_data.cat()),
    ]

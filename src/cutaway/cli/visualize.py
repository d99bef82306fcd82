"""`cutaway visualize`: pictures of what parts of a network look for."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutaway.cli.explain import printable
from cutaway.cli.options import ModelOptions
from cutaway.core.errors import OptionError

if TYPE_CHECKING:
    from cutaway.featurevis import Objective, Visualization
    from cutaway.nets.model import Model

PRESET_NAMES = "natural, smooth, sparse, crisp, inceptionism"
"""Of featurevis.PRESETS, which cannot be imported here without torch; a test compares them."""

DREAM = 224  # pixels of a dream's side where nothing is said
SHOWN = 8  # pictures in the printed summary
PIECE = re.compile(r"(?P<layer>.+):(?P<first>\d+)(-(?P<last>\d+))?")


def visualize(
    options: ModelOptions,
    unit: Annotated[
        list[str] | None, typer.Option(metavar="LAYER[:A-B]", help="A channel, a range of them, or a whole layer.")
    ] = None,
    class_: Annotated[list[str] | None, typer.Option("--class", metavar="LABEL", help="A class score.")] = None,
    dream: Annotated[
        list[str] | None, typer.Option(metavar="LAYER", help="Whatever the layer sees, more of it.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Of gradient ascent; 64 draw a clear picture, 128 a finished one.")] = 128,
    pixels: Annotated[
        int | None, typer.Option(help="Side of each picture; the network's own up to 128 where left out.")
    ] = None,
    parameterization: Annotated[
        str, typer.Option(help="How a picture is written down: fourier, pixel, laplacian, cppn, shared, maco.")
    ] = "fourier",
    transforms: Annotated[
        str, typer.Option(help="How it is moved while it grows: standard, strong, jitter, none.")
    ] = "standard",
    regularizer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=WEIGHT]",
            help="variation, contrast, decay, blur, clip_norm, clip_contribution; may be given several times.",
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help=f"Settings that work together, in place of these: {PRESET_NAMES}.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Step of the optimiser, as a multiple of the usual one.")] = 1.0,
    octaves: Annotated[int, typer.Option(help="Sizes at which it is made, from coarse to fine.")] = 1,
    tolerance: Annotated[
        float, typer.Option(help="A picture ends early once 16 steps raise its score by less than this share.")
    ] = 0.0,
    start: Annotated[Path | None, typer.Option(metavar="FILE", help="The picture to start from; else noise.")] = None,
    near: Annotated[
        str | None, typer.Option(metavar="LAYER", help="At which the picture has to stay near its start.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Dream it into this picture, at four sizes with an eighth of the steps at each (DeepDream).",
        ),
    ] = None,
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    cache: Annotated[bool, typer.Option(help="Keep pictures on disk, and take those that are there.")] = True,
    out: Annotated[Path, typer.Option(help="Folder for the pictures and sheet.png.")] = Path("out/visualize"),
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """Draw what units, classes or layers of a network look for; options may be given several times."""
    from cutaway import featurevis
    from cutaway.explain import make_folder

    make_folder(out)
    model = options.open()
    wanted = _wanted(model, unit or [], class_ or [], dream or [])
    if into:
        found = featurevis.dream(
            model,
            into,
            wanted,
            size=pixels or DREAM,
            steps=max(1, steps // 8),
            rate=rate / 2,
            seed=options.seed,
            precision=precision,
            cache=cache,
        )
        _tell(found, out, as_json)
        return
    with _progress(len(wanted)) as told:
        found = featurevis.visualize(
            model,
            wanted,
            size=pixels,
            steps=steps,
            parameterization=parameterization,
            transforms=transforms,
            regularizers=[_weighted(each) for each in regularizer or []],
            preset=preset,
            rate=rate,
            octaves=octaves,
            tolerance=tolerance,
            start=start,
            near=near,
            seed=options.seed,
            precision=precision,
            batch_size=options.batch_size,
            cache=cache,
            progress=told,
        )
    _tell(found, out, as_json)


def _tell(found: Visualization, out: Path, as_json: bool) -> None:
    """Save the pictures, and print what there is."""
    paths = found.save(out)
    typer.echo(_as_json(found, paths) if as_json else _in_words(found, out))


def _weighted(text: str) -> str | tuple[str, float]:
    """`NAME` or `NAME=WEIGHT`."""
    name, _, weight = text.partition("=")
    try:
        return (name, float(weight)) if weight else name
    except ValueError:
        raise OptionError(f'"{text}" has no number after =; expected NAME=WEIGHT; try "{name}=0.5"') from None


def _wanted(model: Model, units: Sequence[str], classes: Sequence[str], dreams: Sequence[str]) -> Objective:
    from cutaway import featurevis

    objectives = [featurevis.unit(each) for text in units for each in _spread(model, text)]
    objectives += [featurevis.class_score(label) for label in classes]
    objectives += [featurevis.deepdream(layer) for layer in dreams]
    if not objectives:
        raise OptionError(
            'nothing to visualize; expected --unit, --class or --dream; try --class "' + f'{model.label(0)}"'
        )
    return featurevis.batch(objectives)


def _spread(model: Model, text: str) -> list[str]:
    """The units in `layer`, `layer:channel` or `layer:first-last`; a layer whose name looks like one of these wins."""
    from cutaway.trace import layout

    parts = PIECE.fullmatch(text)
    if parts is None or text in {name for info in model.layers() for name in info.names}:
        return [f"{text}:{channel}" for channel in range(layout(model, text).channels)]
    first, last = int(parts["first"]), int(parts["last"] or parts["first"])
    if last < first:
        raise OptionError(f'"{text}" is no range of channels; expected LAYER:A-B with A <= B; try {last}-{first}')
    return [f"{parts['layer']}:{channel}" for channel in range(first, last + 1)]


@contextmanager
def _progress(pictures: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr, where a person watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{pictures} pictures", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _as_json(found: Visualization, paths: Sequence[Path]) -> str:
    rows = zip(found.names, found.scores.tolist(), paths, found.notes, strict=True)
    return json.dumps(
        [{"objective": n, "score": s, "picture": str(p), "note": note} for n, s, p, note in rows], indent=1
    )


def _in_words(found: Visualization, out: Path) -> str:
    names = [printable(name) for name in found.names]
    lines = [f"{name}  score {score:.4g}" for name, score in zip(names, found.scores.tolist(), strict=True)][:SHOWN]
    more = [f"... and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    notes = [f"note: {name}: {note}" for name, note in zip(names, found.notes, strict=True) if note]
    return "\n".join([*lines, *more, *notes, f"pictures in {out}, all of them in {out / 'sheet.png'}"])

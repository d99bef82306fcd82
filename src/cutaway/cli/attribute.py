"""`cutaway attribute`: one attribution map of one picture."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutaway.cli.explain import printable, safe_name
from cutaway.cli.options import ModelOptions
from cutaway.core.errors import OptionError

if TYPE_CHECKING:
    from cutaway.attribution import Attribution
    from cutaway.core.types import Pictures
    from cutaway.nets.model import Model

UNSIGNED = {"gradient", "smoothgrad"}
"""Methods whose values say how sensitive the score is, so that their sign means little; CAMs have no sign at all."""

LEAST = 320  # pixels of the short side of what is drawn
PATCHES = 56  # per side, that a map of single pixels is averaged over


def attribute(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture file.")],
    options: ModelOptions,
    method: Annotated[str, typer.Option(metavar="NAME", help="How: gradient, grad_cam, occlusion ...")],
    target: Annotated[
        str | None, typer.Option(help="The class to attribute, a label or index; else the answer.")
    ] = None,
    versus: Annotated[str | None, typer.Option(help="The class whose score is subtracted.")] = None,
    layer: Annotated[
        str | None, typer.Option(help="For methods that look inside; else the deepest that counts.")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="For integrated_gradients: the gap, as a share of the score's change.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The PNG; out/NAME_METHOD.png where left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """Draw which parts of a picture argued for a class, by one method: the map over the picture, and the map alone."""
    from cutaway.attribution import METHODS
    from cutaway.core.errors import choose

    compute = METHODS[choose(method, METHODS, "method")]
    given = {"layer": layer, "tolerance": tolerance}
    more = _accepted(method, compute, given) | _accepted(method, compute, {"seed": options.seed}, needed=False)
    model = options.open()
    pictures = model.prepare(image)[:1]
    found = compute(model, pictures, target, versus=versus, batch_size=options.batch_size, **more)
    path = out or Path("out") / f"{safe_name(image)}_{method}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_drawn(found, pictures))
    facts = _facts(found, model) | {"picture": str(path)}
    typer.echo(json.dumps(facts, indent=1) if as_json else _in_words(facts))


def _accepted(method: str, compute: Callable[..., Any], given: dict[str, Any], needed: bool = True) -> dict[str, Any]:
    """The options that were given, an error for one that the method does not take (left out where not `needed`)."""
    known = inspect.signature(compute).parameters
    taken = {name: value for name, value in given.items() if value is not None}
    for name in taken:
        if needed and name not in known:
            raise OptionError(f"{method} takes no --{name}; expected it for methods that do; leave it out")
    return {name: value for name, value in taken.items() if name in known}


def _drawn(found: Attribution, pictures: Pictures) -> bytes:
    from cutaway.report import drawing

    values = found.values[0].cpu().double()
    signed = values.ndim == 3 and found.method not in UNSIGNED
    field = values if signed or values.ndim == 2 else values.abs()
    flat = (field.sum(dim=0) if field.ndim == 3 else field).numpy()
    grain = max(1, min(flat.shape) // PATCHES) if values.ndim == 3 else 1
    raster = drawing.enlarge(drawing.to_raster(pictures[0].cpu().numpy()), LEAST)
    maps = [drawing.overlay(raster, flat, signed, grain), drawing.heat(flat, signed, raster.shape[:2])]
    return drawing.png(drawing.beside([raster, *maps]))


def _facts(found: Attribution, model: Model) -> dict[str, Any]:
    def first(values: Any) -> Any:
        return None if values is None else values[0].item()

    gap = first(found.relative_gap)
    return {
        "method": found.method,
        "layer": found.layer,
        "target": {"index": first(found.target), "label": model.label(first(found.target))},
        "versus": None
        if found.versus is None
        else {"index": first(found.versus), "label": model.label(first(found.versus))},
        "difference": first(found.difference),
        "completeness_gap": first(found.completeness_gap),
        "relative_gap": gap if gap is not None and gap < float("inf") else None,
        "converged": first(found.converged),
        "evaluations": first(found.evaluations),
    }


def _in_words(facts: dict[str, Any]) -> str:
    asked = facts["target"]["label"] + (f" rather than {facts['versus']['label']}" if facts["versus"] else "")
    at = f" at {facts['layer']}" if facts["layer"] else ""
    lines = [f"{facts['method']}{at} for {asked}: {facts['picture']}"]
    if facts["completeness_gap"] is not None:
        share = "" if facts["relative_gap"] is None else f" ({100 * facts['relative_gap']:.2g} % of it)"
        lines.append(
            f"values add up to the change of the score, {facts['difference']:.3f}, "
            f"but for {facts['completeness_gap']:+.3g}{share}, with {facts['evaluations']} gradients"
        )
    if facts["converged"] is False:
        lines.append("note: that is more than the tolerance allows")
    return "\n".join(map(printable, lines))

"""`cutaway measure`: how good attribution methods are on a network and a data set, as numbers with their intervals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutaway.cli.explain import printable, progress
from cutaway.cli.options import ModelOptions
from cutaway.core.errors import CutawayError, DataError, ModelError, OptionError, choose

if TYPE_CHECKING:
    from cutaway.data.dataset import Dataset, Sample
    from cutaway.metrics.table import Case, Metric
    from cutaway.nets.model import Model

METHODS = ("gradient", "input_x_gradient", "integrated_gradients", "grad_cam", "pullback")
"""Measured where none is named: a few that take seconds."""

FORMATS = (".json", ".csv")

Row = dict[str, Any]


def measure(
    options: ModelOptions,
    data: Annotated[str, typer.Option(metavar="SPEC", help="The pictures; `cutaway data` lists the forms.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A metric, or FILE.py:FUNCTION; all that the data allow if left out."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="An attribution method, or FILE.py:FUNCTION; a quick few if left out."),
    ] = None,
    pictures: Annotated[int, typer.Option(min=2, help="How many pictures, evenly spread over the data.")] = 40,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the table: .json or .csv.")] = None,
    gallery: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only draw a page: gradients toward classes, and on noise.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """Measure attribution methods: axioms, faithfulness, localization, sanity, removed parts."""
    from cutaway.attribution import METHODS as KNOWN_METHODS
    from cutaway.core.cache import write_atomically
    from cutaway.data.specs import open_dataset
    from cutaway.metrics.table import METRICS, own_metric

    if out is not None and out.suffix not in FORMATS:
        raise OptionError(f"{out}: ends in {out.suffix or 'nothing'}; expected .json or .csv; try {out.stem}.json")
    methods = [own_function(name) or choose(name, KNOWN_METHODS, "method") for name in method or METHODS]
    metrics = {
        name: own_metric(function) if (function := own_function(name)) else METRICS[choose(name, METRICS, "metric")]
        for name in metric or METRICS
    }
    with progress() as say:
        say("the network")
        model = options.open()
        say("the pictures")
        case = case_of(model, open_dataset(data), pictures, options)
        if gallery is not None:
            say("the gradients")
            _drawn(case, gallery, as_json)
            return
        metrics = _possible(case, metrics, asked=bool(metric))
        rows = [_row(case, name, one, each, say) for name, one in metrics.items() for each in methods]
    facts = {"model": model.name, "data": data, "pictures": len(case.pictures), "seed": options.seed, "rows": rows}
    if out is not None:
        text = json.dumps(facts, indent=1) + "\n" if out.suffix == ".json" else as_csv(rows)
        write_atomically(out, lambda beside: beside.write_text(text))
    typer.echo(json.dumps(facts, indent=1) if as_json else as_text(facts, metrics))


def _drawn(case: Case, path: Path, as_json: bool) -> None:
    """The gallery of the model's own gradients, as a page."""
    from cutaway.core.cache import write_atomically
    from cutaway.metrics.gallery import legibility_page

    labels = None if case.labels is None else case.labels.tolist()
    page = legibility_page(case.model, case.pictures, labels, seed=case.seed)
    write_atomically(path, lambda beside: beside.write_text(page))
    typer.echo(json.dumps({"gallery": str(path)}) if as_json else str(path))


def own_function(name: str) -> Any:
    """The function that FILE.py:FUNCTION names, or None for another name."""
    if not name.rpartition(":")[0].endswith(".py"):
        return None
    from cutaway.nets.sources.file import named

    function = named(name)
    if not callable(function):
        raise ModelError(f"{name} is a {type(function).__name__}; expected a function")
    return function


def case_of(model: Model, data: Dataset, count: int, options: ModelOptions) -> Case:
    """Some samples of a data set, fitted to the model, with what is known of them."""
    import torch

    from cutaway.metrics.table import Case

    if len(data) < 1:
        raise DataError("the data set is empty; expected pictures; check --data")
    count = min(count, len(data))
    samples = [data[round(index * (len(data) - 1) / max(1, count - 1))] for index in range(count)]
    batch = torch.stack([model.preprocess.fit(sample.picture) for sample in samples]).to(model.device)
    scenes = tuple(sample.extra["scene"] for sample in samples if "scene" in sample.extra)
    return Case(
        model,
        batch,
        _labels(model, data, samples),
        _masks(model, samples),
        scenes if len(scenes) == count else None,
        options.seed,
        options.batch_size,
    )


def as_text(facts: Mapping[str, Any], metrics: Mapping[str, Metric]) -> str:
    """The table for a terminal: a block for each metric, a line for each method."""
    lines = [f"{facts['model']} on {facts['data']}, {facts['pictures']} pictures; 95 % intervals"]
    wide = max(len(row["method"]) for row in facts["rows"])
    for name, metric in metrics.items():
        better = "higher" if metric.higher else "lower"
        blind = "" if metric.blind is None else f"; a blind map reaches {metric.blind:.2g}"
        lines += ["", f"{name}: {metric.says} ({better} is better{blind})"]
        lines += [f"  {row['method']:<{wide}}  {_figure(row)}" for row in facts["rows"] if row["metric"] == name]
    return "\n".join(map(printable, lines))


def as_csv(rows: Iterable[Row]) -> str:
    """The table as comma-separated values."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["metric", "method", "value", "low", "high", "n", "note"])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(case: Case, name: str, metric: Metric, method: Any, say: Any) -> Row:
    from cutaway.metrics.maps import name_of_method

    called = name_of_method(method)
    say(f"{name} of {called}")
    row: Row = {"metric": name, "method": called, "value": None, "low": None, "high": None, "n": 0, "note": ""}
    try:
        found = metric.measure(case, case.remembered(method))
    except (ModelError, DataError) as error:  # a method that does not fit this network is a line of the table
        return row | {"note": str(error)}
    if found.n == 0:
        return row | {"note": "no picture says anything here"}
    low, high = (None if abs(end) == float("inf") else end for end in found.interval)
    return row | {"value": found.value, "low": low, "high": high, "n": found.n}


def _figure(row: Row) -> str:
    if row["value"] is None:
        return f"-  {row['note']}"
    interval = "" if row["low"] is None else f"  {row['low']:.3f} to {row['high']:.3f}"
    return f"{row['value']:.3f}{interval}  n = {row['n']}"


def _possible(case: Case, metrics: Mapping[str, Metric], asked: bool) -> dict[str, Metric]:
    """The metrics for which the data have what they need; an OptionError for one that was asked for and has not."""
    for name, metric in metrics.items():
        if asked and (lacking := metric.lacks(case)):
            raise OptionError(
                f"{name} needs {' and '.join(lacking)}, which these data lack; expected data with them; "
                "try --data partworld:100?split=test --model partworld"
            )
    return {name: metric for name, metric in metrics.items() if not metric.lacks(case)}


def _labels(model: Model, data: Dataset, samples: list[Sample]) -> Any:
    """The samples' classes as the model counts them; None where the two don't name the same ones."""
    import torch

    from cutaway.nets.targets import label_index

    if model.labels is None or any(sample.label is None for sample in samples):
        return None
    try:
        known = {label: label_index(label, model.labels, len(model.labels)) for label in data.labels}
    except CutawayError:
        return None
    return torch.tensor([known[data.labels[sample.label]] for sample in samples if sample.label is not None])


def _masks(model: Model, samples: list[Sample]) -> Any:
    """Where the labelled thing is, fitted as its picture was; None unless every sample says."""
    import torch

    names = ["whole" if "whole" in sample.masks else next(iter(sample.masks), None) for sample in samples]
    if None in names:
        return None
    masks = [torch.as_tensor(sample.masks[name]) for sample, name in zip(samples, names, strict=True) if name]
    fitted = [model.preprocess.fit(mask[None].expand(3, -1, -1).float()) for mask in masks]
    return torch.stack(fitted)[:, 0] > 0.5

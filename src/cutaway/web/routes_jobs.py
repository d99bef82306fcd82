"""Routes about long work: asked for, watched, cancelled, and its results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from cutaway.blocks.icons import fitting_size
from cutaway.core import cache
from cutaway.core.errors import LayerError
from cutaway.explain import explain
from cutaway.featurevis import unit as unit_objective
from cutaway.featurevis import units, visualize
from cutaway.nets.model import Model
from cutaway.report.drawing import to_raster
from cutaway.trace import layout
from cutaway.web.bench import Bench, NotFoundError
from cutaway.web.groups import neuron_groups_in, neuron_groups_of
from cutaway.web.images import webp
from cutaway.web.jobs import ENDED, Job, Jobs
from cutaway.web.names import find_names
from cutaway.web.routes_models import Text, image
from cutaway.web.shapes import (
    ExplanationAsked,
    GroupsAsked,
    JobAsked,
    NamesAsked,
    PictureGroupsAsked,
    ProjectionAsked,
    UnitsAsked,
)

STEPS, SIZE, TOGETHER = 64, 96, 8
BEAT = 15.0
"""Seconds after which a silent stream says that it is still there."""

SANDBOX = {"content-security-policy": "sandbox allow-scripts allow-popups", "content-disposition": "inline"}


def router(bench: Bench, jobs: Jobs) -> APIRouter:  # noqa: C901  # a table of routes, each as plain as can be
    """Everything that takes its time."""
    routes = APIRouter()

    def found(name: str) -> Job:
        job = jobs.get(name[:64])
        if job is None:
            raise NotFoundError("no such job; it may be long gone; ask again")
        return job

    @routes.post("/jobs")
    def submit(asked: JobAsked) -> dict[str, Any]:
        title, work = work_of(bench, asked)
        return jobs.submit(asked.model_dump(), title, work).facts()

    @routes.get("/jobs")
    def listed() -> list[dict[str, Any]]:
        return [job.facts() for job in jobs.all()]

    @routes.get("/jobs/{name}")
    def state(name: str) -> dict[str, Any]:
        return found(name).facts()

    @routes.delete("/jobs/{name}")
    def cancel(name: str) -> dict[str, Any]:
        job = found(name)
        job.cancel()
        return job.facts()

    @routes.get("/jobs/{name}/events")
    async def events(name: str) -> StreamingResponse:
        return StreamingResponse(
            stream(found(name)), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    @routes.get("/jobs/{name}/result")
    def result(name: str) -> Any:
        job = found(name)
        if job.state != "done":
            raise NotFoundError(f"this job is {job.state}; expected one that is done")
        if isinstance(job.result, str):
            return HTMLResponse(job.result, headers=SANDBOX)
        return job.result

    @routes.get("/models/{model}/unit")
    def unit(model: str, unit: Text) -> Response:
        picture = drawn(bench, model, unit)
        if picture is None:
            raise NotFoundError("this unit is not drawn yet; ask for a job that draws it")
        return image(picture)

    @routes.get("/models/{model}/drawn")
    def drawn_units(model: str, layer: Text) -> list[int]:
        return drawn_channels(bench.model(model), layer)

    return routes


async def stream(job: Job) -> AsyncIterator[str]:
    """Server-sent events: the job's state at once, then whenever it changes, until it ends."""
    version = -1
    while True:
        changed = await asyncio.to_thread(job.wait, version, BEAT)
        facts = job.facts()
        version = facts["version"]
        yield f"data: {json.dumps(facts)}\n\n" if changed else ": still here\n\n"
        if facts["state"] in ENDED:
            return


def work_of(bench: Bench, asked: Any) -> tuple[str, Callable[[Job], Any]]:
    """What is to be done, and what it is called; names are checked before it is queued."""
    match asked:
        case UnitsAsked():
            model = bench.model(asked.model)
            channels = layout(model, asked.layer).channels
            if max(asked.channels) >= channels:
                raise LayerError(f"no channel {max(asked.channels)} in {asked.layer}; expected 0 to {channels - 1}")
            return f"draw {len(asked.channels)} units of {asked.layer}", lambda job: draw(bench, asked, job)
        case ExplanationAsked():
            shown = bench.picture(asked.model, asked.picture)
            return f"explain {shown.name}", lambda job: explanation(bench, asked, job)
        case ProjectionAsked():
            store = bench.store(asked.store)
            store.plan.layer(asked.layer)
            return f"t-SNE of {asked.layer}", lambda job: tsne(bench, asked, job)
        case GroupsAsked():
            bench.store(asked.store).plan.layer(asked.layer)
            return f"neuron groups of {asked.layer}", lambda job: neuron_groups_of(bench.store(asked.store), asked, job)
        case PictureGroupsAsked():
            network, shown = bench.model(asked.model), bench.picture(asked.model, asked.picture)
            layout(network, asked.layer)
            return f"neuron groups in {shown.name}", lambda job: neuron_groups_in(network, shown.pictures, asked, job)
        case NamesAsked():
            bench.store(asked.store).plan.layer(asked.layer)
            return f"name the units of {asked.layer}", lambda job: find_names(
                bench.store(asked.store), asked.layer, job
            )
    raise NotFoundError("no such work")


def draw(bench: Bench, asked: UnitsAsked, job: Job) -> dict[str, Any]:
    """Visualizations of units, a few at a time, kept on disk; whoever cancels keeps what is there."""
    model = bench.model(asked.model)
    wanted = [f"{asked.layer}:{channel}" for channel in dict.fromkeys(asked.channels)]
    for first in range(0, len(wanted), TOGETHER):
        part = wanted[first : first + TOGETHER]

        def progress(done: int, total: int, first: int = first, part: list[str] = part) -> None:
            job.tell(first * STEPS + done, len(wanted) * STEPS, f"{asked.layer}: {first} of {len(wanted)} units")

        job.tell(first * STEPS, len(wanted) * STEPS, f"{asked.layer}: {first} of {len(wanted)} units")
        found = visualize(
            model, units(part), size=fitting_size(model, SIZE), steps=STEPS, progress=progress, batch_size=TOGETHER
        )
        for name, picture in zip(part, found.pictures, strict=True):
            cache.keep("workbench", _drawing(model.weights_hash(), name), {"picture": picture})
    return {"units": wanted}


def drawn(bench: Bench, model: str, unit: str) -> bytes | None:
    """The picture of a unit, if it was drawn before."""
    unit_objective(unit)
    kept = cache.recall("workbench", _drawing(bench.model(model).weights_hash(), unit))
    return None if kept is None else webp(to_raster(kept["picture"].numpy()))


def drawn_channels(model: Model, layer: str) -> list[int]:
    """The channels of a layer that were drawn before."""
    weights, channels = model.weights_hash(), range(layout(model, layer).channels)
    return [channel for channel in channels if cache.known("workbench", _drawing(weights, f"{layer}:{channel}"))]


def _drawing(weights: str, unit: str) -> dict[str, object]:
    return {"what": "unit", "weights": weights, "unit": unit, "steps": STEPS, "size": SIZE}


def explanation(bench: Bench, asked: ExplanationAsked, job: Job) -> str:
    """A whole explanation as one HTML file that needs no server."""
    shown = bench.picture(asked.model, asked.picture)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        job.tell(len(said), 8, text)

    found = explain(bench.model(asked.model), shown.pictures[0], asked.target, asked.versus, steps=STEPS, progress=say)
    return found.html()


def tsne(bench: Bench, asked: ProjectionAsked, job: Job) -> dict[str, Any]:
    """A map of the pictures, kept in the store."""
    bench.store(asked.store).project(
        asked.layer, "tsne", progress=lambda done, total: job.tell(done, total, "t-SNE"), stop=job.stopped
    )
    return {"layer": asked.layer, "method": "tsne"}

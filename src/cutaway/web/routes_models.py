"""Routes about a model and one picture."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from cutaway.core.types import Unit
from cutaway.data.pictures import from_pil
from cutaway.report.drawing import png
from cutaway.web import answers
from cutaway.web.bench import Bench
from cutaway.web.images import decoded, thumbnail, webp

Index = Annotated[int | None, Query(ge=0, le=10**6)]
Text = Annotated[str, Query(max_length=200)]


def router(bench: Bench) -> APIRouter:  # noqa: C901  # a table of routes, each as plain as can be
    """Everything that is asked of one model."""
    routes = APIRouter()

    @routes.get("/models")
    def models() -> dict[str, Any]:
        return {name: answers.model_facts(model) for name, model in bench.models.items()}

    @routes.get("/models/{model}/graph")
    def graph(model: str) -> dict[str, Any]:
        return answers.graph_facts(bench.model(model))

    @routes.post("/pictures")
    async def upload(request: Request, name: Text = "picture") -> dict[str, Any]:
        content = await request.body()
        return {"picture": await asyncio.to_thread(bench.keep_upload, content, name), "name": name}

    @routes.get("/models/{model}/picture")
    def picture(model: str, picture: Text, size: Annotated[int, Query(ge=16, le=1024)] = 448) -> Response:
        shown = bench.picture(model, picture)
        return image(thumbnail(shown.pictures[0].cpu().numpy(), size))

    @routes.get("/models/{model}/predictions")
    def predictions(
        model: str, picture: Text, without: Annotated[list[str] | None, Query(max_length=64)] = None
    ) -> dict[str, Any]:
        shown = bench.picture(model, picture)
        found = answers.predictions(bench.model(model), shown.pictures, without or [])
        return {"name": shown.name, "label": shown.label, "predictions": found}

    @routes.get("/models/{model}/map")
    def attribution(
        model: str, picture: Text, method: Text, target: Index = None, versus: Index = None, layer: Text | None = None
    ) -> Response:
        shown = bench.picture(model, picture)
        raster, facts = answers.attribution_map(bench.model(model), shown.pictures, method, target, versus, layer)
        return image(png(raster), {"x-signed": str(int(facts["signed"]))}, "image/png")

    @routes.get("/models/{model}/dictionary")
    def dictionary(model: str, picture: Text, layer: Text) -> dict[str, Any]:
        return answers.dictionary(bench.grid(model, picture, layer), layer)

    @routes.get("/models/{model}/channels")
    def channels(model: str, picture: Text, layer: Text, target: Index = None, versus: Index = None) -> dict[str, Any]:
        return answers.channels(bench.model(model), bench.picture(model, picture).pictures, layer, target, versus)

    @routes.get("/models/{model}/fired")
    def fired(model: str, picture: Text, unit: Text) -> Response:
        parsed = Unit.parse(unit)
        return image(webp(answers.activation_picture(bench.grid(model, picture, parsed.layer), parsed)))

    @routes.post("/models/{model}/frame")
    async def frame(model: str, request: Request, layers: Annotated[list[str], Query(max_length=16)]) -> JSONResponse:
        content = await request.body()
        network = bench.model(model)

        def look() -> dict[str, Any]:
            return answers.frame(network, network.prepare(from_pil(decoded(content))), layers)

        return JSONResponse(await asyncio.to_thread(look))

    return routes


def image(content: bytes, more: dict[str, str] | None = None, kind: str = "image/webp") -> Response:
    """An image that the browser may keep: what it shows is fixed by its address."""
    return Response(content, media_type=kind, headers={"cache-control": "private, max-age=3600", **(more or {})})

"""The app: routes over a bench, made by a factory, with no globals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cutaway.core.errors import CutawayError, MissingExtraError
from cutaway.web.bench import Bench, NotFoundError
from cutaway.web.jobs import BusyError, Jobs
from cutaway.web.safety import Guard, GuardedApp, TooLargeError

PAGE = Path(__file__).parent / "page"
"""The built page; its source is the folder web/ of the repository."""

MISSING = "The page is not built: run `make page` in a checkout. The interface at /api works all the same.\n"


def create_app(bench: Bench, guard: Guard | None = None, jobs: Jobs | None = None) -> Any:
    """The workbench as an ASGI app, behind its guard; `jobs` is the queue of its long work, to be closed at the end."""
    try:
        from fastapi import FastAPI, Request
        from fastapi.exceptions import RequestValidationError
        from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
        from fastapi.staticfiles import StaticFiles
    except ImportError:
        raise MissingExtraError("the workbench", "web") from None
    from cutaway.web import routes_jobs, routes_models, routes_stores

    jobs = jobs or Jobs()
    app = FastAPI(title="cutaway", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.include_router(routes_models.router(bench), prefix="/api")
    app.include_router(routes_stores.router(bench), prefix="/api")
    app.include_router(routes_jobs.router(bench, jobs), prefix="/api")

    @app.exception_handler(CutawayError)
    async def ours(_: Request, error: CutawayError) -> JSONResponse:
        status = 404 if isinstance(error, NotFoundError) else 503 if isinstance(error, BusyError) else 400
        return JSONResponse({"error": str(error)}, status)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        return JSONResponse({"error": f"{where}: {first['msg']}"[:300]}, 422)

    @app.exception_handler(TooLargeError)
    async def too_large(_: Request, error: TooLargeError) -> JSONResponse:
        return JSONResponse({"error": "more bytes than are taken; try a smaller picture"}, 413)

    if (PAGE / "index.html").is_file():
        app.mount("/assets", StaticFiles(directory=PAGE / "assets"), name="assets")

    @app.get("/", include_in_schema=False)
    async def page() -> Any:
        if not (PAGE / "index.html").is_file():
            return PlainTextResponse(MISSING)
        return FileResponse(PAGE / "index.html", headers={"cache-control": "no-cache"})

    app.state.jobs = jobs
    return GuardedApp(app, guard or Guard())

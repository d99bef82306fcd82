"""`cutaway serve`: the workbench, a page on which a person looks through models and data sets."""

from __future__ import annotations

import secrets
import socket
import threading
import webbrowser
from collections.abc import Container
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutaway.core.errors import OptionError

if TYPE_CHECKING:
    from cutaway.nets import Model
    from cutaway.store import Store
    from cutaway.web import Bench

OWN = "partworld:1200?seed=7&split=test"
"""The data set of the small store that is made on first use."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
GRACE = 3
"""Seconds that an answer under way gets to end, once the server is told to."""


def serve(
    model: Annotated[
        list[str] | None, typer.Option(metavar="SPEC", help="A model to show; else the shipped ones.")
    ] = None,
    store: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="A store that cutaway sweep wrote.")] = None,
    host: Annotated[str, typer.Option(help="Where to listen; beyond this machine a token is demanded.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 8765,
    name: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="Another name by which browsers reach this machine.")
    ] = None,
    names: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Names of units, as cutaway name writes them.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Open the workbench: units, subsets, projections, maps and gradients, in the browser."""
    from cutaway.core.errors import MissingExtraError

    try:
        import uvicorn
    except ImportError:
        raise MissingExtraError("the workbench", "web") from None
    from cutaway.web import Guard, create_app
    from cutaway.web.jobs import Jobs

    away = host not in LOOPBACK
    token = secrets.token_urlsafe(24) if away else None
    known = ("127.0.0.1", "localhost", "[::1]", *(names_of(host) if away else ()), *(name or ()))
    if name and token is None:
        raise OptionError("--name without --host; expected both: a name is for others; try --host 0.0.0.0")
    listener = bound(host, port)
    with listener:
        bench = bench_of(model or [], store or [], names or [])
        guard = Guard(hosts=known, port=port, token=token)
        shown = host if host not in ("0.0.0.0", "::", "") else known[-1]
        address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
        typer.echo(f"the workbench is at {address}\nCtrl+C ends it", err=True)
        if show:
            webbrowser.open(address)
        jobs = Jobs()
        quiet: dict[str, Any] = {"log_level": "warning", "server_header": False, "ws": "none"}

        class Server(uvicorn.Server):
            """Told to end, it cancels what runs: a page that watches a job would hold it up otherwise."""

            def handle_exit(self, sig: int, frame: FrameType | None) -> None:
                threading.Thread(target=jobs.close, daemon=True).start()
                super().handle_exit(sig, frame)

        app = create_app(bench, guard, jobs)
        threading.Thread(target=bench.warm, name="cutaway reads ahead", daemon=True).start()
        Server(uvicorn.Config(app, timeout_graceful_shutdown=GRACE, **quiet)).run(sockets=[listener])
        jobs.close()


def bound(host: str, port: int) -> socket.socket:
    """A listening socket, before any work is done; an OptionError where the port is in use or the host is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small answers would wait 40 ms without
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise OptionError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); expected a free port of this machine; "
            f"try --port {port + 1}"
        ) from None
    return listener


def names_of(host: str) -> tuple[str, ...]:
    """The names by which a browser elsewhere may address this machine."""
    return (host, socket.gethostname()) if host not in ("0.0.0.0", "::", "") else (socket.gethostname(),)


def bench_of(specs: list[str], folders: list[Path], names: list[Path]) -> Bench:
    """The models and stores that are asked for; with nothing asked, the shipped networks and a small store."""
    from cutaway.nets import load
    from cutaway.store import Store
    from cutaway.web import Bench
    from cutaway.web.bench import check_belongs
    from cutaway.web.names import given_names

    opened = [Store.open(folder) for folder in folders]
    wanted = specs or list(dict.fromkeys(store.plan.spec for store in opened)) or ["partworld", "cifar10"]
    models = {short(spec, index): load(spec) for index, spec in enumerate(wanted)}
    if not specs and not folders:
        opened = [own_store(models["partworld"])]
    stores: dict[str, Store] = {}
    owners: dict[str, str] = {}
    for number, store in enumerate(opened):
        owner = owner_of(store, models)
        check_belongs(store, models[owner])
        if models[owner].labels is None and store.plan.classes[:1] != ("class 0",):
            models[owner].labels = store.plan.classes  # the sweep was told what the classes are called
        key = short(store.folder.name if folders else "partworld", number, stores)
        stores[key], owners[key] = store, owner
    return Bench(models, stores, owners, given_names(names, models))


def owner_of(store: Store, models: dict[str, Model]) -> str:
    """The model that a store was made with, by its weights; else the first, whose check says what differs."""
    return next(
        (name for name, model in models.items() if model.weights_hash() == store.plan.weights), next(iter(models))
    )


def short(text: str, number: int, taken: Container[str] = ()) -> str:
    """A name for addresses: letters, digits and dots."""
    words = "".join(c if c.isalnum() else "_" for c in text.partition("@")[0].rpartition(":")[2])[:40].strip("_")
    return words if words and words not in taken else f"{words or 'item'}_{number}"


def own_store(model: Model) -> Store:
    """The store that `cutaway serve` alone shows; made on first use, in the cache."""
    from cutaway.cli.sweep import bar
    from cutaway.core import cache
    from cutaway.store import sweep

    folder = cache.folder() / "stores" / f"partworld-{model.weights_hash()[:12]}"
    if not (folder / "manifest.json").exists():
        typer.echo("making a small PartWorld store, once ...", err=True)
    with bar() as progress:
        return sweep(model, OWN, folder, progress=progress)

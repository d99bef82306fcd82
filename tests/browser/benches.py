"""What the workbench's tests look at: stores of real photographs, made once a session, and servers over them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

import cutaway as cw
from cutaway.nets import Model
from cutaway.store import Store, sweep
from cutaway.web import Bench, Guard, create_app

SIDE, STEP = 150, 90
"""Pixels of each photograph that is cut out of a larger one, and from one to the next."""


def photographs(folder: Path) -> Path:
    """Real photographs that scikit-image brings, each cut into several, in a folder for each."""
    from skimage import data

    for name, picture in (("cat", data.chelsea()), ("astronaut", data.astronaut()), ("coffee", data.coffee())):
        (folder / name).mkdir(parents=True)
        height, width = picture.shape[:2]
        places = [(y, x) for y in range(0, height - SIDE, STEP) for x in range(0, width - SIDE, STEP)]
        for number, (y, x) in enumerate(places[:20]):
            Image.fromarray(picture[y : y + SIDE, x : x + SIDE]).save(folder / name / f"{number:02d}.png")
    return folder


def of_photographs(place: Path) -> Bench:
    """The CIFAR-10 network over those."""
    model = cw.load("cifar10")
    store = sweep(model, f"folder:{photographs(place / 'photographs')}", place / "store")
    return bench_of(model, store)


def of_shared(place: Path, shared: Path) -> Bench:
    """SqueezeNet with its trained weights over photographs of fish and birds."""
    model = cw.load(f"squeezenet1_1@{shared / 'models' / 'squeezenet1_1_imagenet.safetensors'}")
    store = sweep(model, f"folder:{shared / 'data' / 'photos18'}?split=val", place / "store", precision="auto")
    return bench_of(model, store)


def of_scenes(place: Path) -> Bench:
    """The PartWorld network over drawn scenes, which have captions."""
    model = cw.load("partworld")
    return bench_of(model, sweep(model, "partworld:120?seed=7&split=test", place / "store"))


def bench_of(model: Model, store: Store) -> Bench:
    return Bench({"network": model}, {"pictures": store}, {"pictures": "network"})


@contextmanager
def served(bench: Bench) -> Iterator[str]:
    """A workbench at a free port; its address."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        create_app(bench, Guard(port=port)), log_level="error", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(5)

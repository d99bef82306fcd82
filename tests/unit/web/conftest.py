"""A workbench over a small store, and a client that speaks to it as a browser on this machine would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))

from small_store import made_model, settings, write_pictures

from cutaway.store import sweep
from cutaway.web import Bench, Guard, create_app

BASE = "http://127.0.0.1:8765"


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    place = tmp_path_factory.mktemp("workbench")
    pictures = write_pictures(place / "pictures")
    model = made_model()
    store = sweep(model, f"folder:{pictures}", place / "store", ["act1", "act2"], **settings())
    return Bench({"small": model}, {"photos": store}, {"photos": "small"})


@pytest.fixture(scope="session")
def app(bench: Bench) -> Any:
    return create_app(bench, Guard())


@pytest.fixture
def client(app: Any) -> Iterator[Any]:
    from starlette.testclient import TestClient

    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))

"""The store that a sweep makes of a small data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_store import Bench, made_model, settings, write_pictures

from cutaway.store import sweep


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One store for all tests that only read it."""
    place = tmp_path_factory.mktemp("store")
    pictures = write_pictures(place / "pictures")
    model = made_model()
    store = sweep(model, f"folder:{pictures}", place / "store", ["act1", "act2"], **settings())
    return Bench(model, pictures, store)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Bench]:
    """A store of one's own, to be damaged."""

    def make() -> Bench:
        pictures = write_pictures(tmp_path / "pictures")
        model = made_model()
        store = sweep(model, f"folder:{pictures}", tmp_path / "store", ["act1", "act2"], **settings())
        return Bench(model, pictures, store)

    return make

"""The lock: one process at a time writes a store. It ends with the process, however that ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cutaway.core.errors import StoreError

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the store's lock; a StoreError where another process holds it, or where the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a")
    except OSError as error:
        raise StoreError(
            f"cannot write into {folder} ({error.strerror or type(error).__name__}); expected a folder that can be "
            "written; try another --store"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                f"another process is writing the store {folder}; expected one at a time; wait for it, or try another "
                "--store"
            ) from None
        yield

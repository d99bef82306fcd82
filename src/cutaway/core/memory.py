"""Memory that a loop over a network frees and takes again: kept, so that the kernel need not clear it every time."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4  # of glibc's malloc.h
MIB = 1 << 20

KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 1024 * MIB, TOP_PAD: 64 * MIB}
"""Every block comes from the heap, and the heap does not shrink."""

ORDINARY = {MMAP_MAX: 65536, MMAP_THRESHOLD: 32 * MIB, TRIM_THRESHOLD: 64 * MIB, TOP_PAD: 0}
"""What glibc's own rule arrives at once blocks as large as a network's outputs were freed."""

_lock = threading.Lock()
_users = 0


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Inside the block, memory that is freed stays with the process; afterwards it goes back to the system.

    A network asks for the same large blocks with every batch. By default glibc hands them back each time, and the
    kernel clears every page anew: up to a sixth of all the time of a pass on a CPU. Concerns the whole process, may be
    nested and used by several threads; does nothing where the C library is another one.
    """
    global _users
    options, trim = _glibc()
    with _lock:
        _users += 1
        if _users == 1:
            _set(options, KEEPING)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _set(options, ORDINARY)
                trim(0)


def _set(option: Callable[[int, int], int], values: dict[int, int]) -> None:
    for name, value in values.items():
        option(name, value)


def _glibc() -> tuple[Callable[[int, int], int], Callable[[int], int]]:
    try:
        library = ctypes.CDLL(None)
        return library.mallopt, library.malloc_trim
    except (AttributeError, OSError, TypeError):
        return lambda name, value: 0, lambda pad: 0

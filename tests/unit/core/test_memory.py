"""Memory that a loop frees stays with the process while it runs, and goes back afterwards."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Callable

import pytest
import torch

from cutaway.core.memory import freed_memory_kept

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def faults(work: Callable[[], object]) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def blocks() -> None:
    for _ in range(20):
        torch.ones(10 * 2**20)  # 40 MiB: more than glibc ever keeps by itself


@glibc
def test_pages_are_cleared_once_and_not_with_every_block() -> None:
    pages = 40 * 2**20 // os.sysconf("SC_PAGE_SIZE")
    huge = faults(blocks)
    with freed_memory_kept():
        first, again = faults(blocks), faults(blocks)
    assert again <= first + 50
    assert again < pages / 10, (huge, first, again)


@glibc
def test_pages_are_kept_until_the_last_of_several_leaves() -> None:
    with freed_memory_kept():
        with freed_memory_kept():
            blocks()
        still = faults(blocks)
    assert faults(blocks) > 10 * (still + 1)


def test_an_error_inside_passes_through() -> None:
    with pytest.raises(ValueError, match="inside"), freed_memory_kept():
        raise ValueError("inside")

"""The queue of long work."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cutaway.web.jobs import NICE, Job, Jobs


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no rank of their own there")
def test_a_job_and_the_threads_that_it_starts_give_way_to_quick_questions() -> None:
    def rank() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def work(job: Job) -> list[int]:
        with ThreadPoolExecutor(1) as within:
            return [rank(), within.submit(rank).result()]

    job = Jobs().submit({"what": "rank"}, "asks for its rank", work)
    assert job.ended(10.0)
    assert job.result == [NICE, NICE]
    assert rank() == 0

"""Jobs: long work in a queue of its own, one at a time, so that quick questions stay quick.

A job is named by what it does, so that asking twice (or after a reload of the page) finds the one that runs. Progress
and results are read by whoever knows its name; whoever does may also cancel it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cutaway.core.errors import CutawayError

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)
KEPT, LONGEST_QUEUE = 64, 32

NICE = 5
"""Rank of a job's thread; quick questions have 0, and so three times as much of a processor that both want."""


class CancelledError(Exception):
    """Raised within a job's work when it is not wanted any more."""


class BusyError(CutawayError):
    """So many jobs wait that another one would wait for too long."""


@dataclass(eq=False)
class Job:
    """One piece of long work: its state, how much of it is done, what it says, and what it found."""

    name: str
    title: str
    kind: str = ""
    state: str = WAITING
    done: int = 0
    total: int = 0
    says: str = ""
    version: int = 0
    result: Any = None
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def tell(self, done: int, total: int, says: str = "") -> None:
        """From within the work: how far it is. Raises CancelledError where it is not wanted any more."""
        if self._cancelled.is_set():
            raise CancelledError
        self._update(done=done, total=total, says=says or self.says)

    def stopped(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        self._cancelled.set()
        if self.state == WAITING:
            self._update(state=CANCELLED)

    def wait(self, version: int, seconds: float) -> bool:
        """Waits until something changed after that version; whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: self.version > version, seconds)

    def ended(self, seconds: float) -> bool:
        """Waits until the job has ended; whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: self.state in ENDED, seconds)

    def facts(self) -> dict[str, Any]:
        """What a client is told."""
        keys = ("name", "title", "kind", "state", "done", "total", "says", "version")
        return {key: getattr(self, key) for key in keys}

    def _update(self, **changes: Any) -> None:
        with self._changed:
            for name, value in changes.items():
                setattr(self, name, value)
            self.version += 1
            self._changed.notify_all()


def gives_way() -> None:
    """From now on this thread, and those that it starts, compute only when nobody else wants the processor.

    Each thread has its own rank on Linux; elsewhere that of the whole program is left as it is.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


class Jobs:
    """The queue and its one worker, which is started with the first job."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queue: queue.Queue[tuple[Job, Callable[[Job], Any]]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, question: Mapping[str, Any], title: str, work: Callable[[Job], Any]) -> Job:
        """The job that answers the question: the one that is there already, unless it failed or was cancelled."""
        name = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:24]
        with self._lock:
            known = self._jobs.get(name)
            if known is not None and known.state not in (FAILED, CANCELLED) and not known.stopped():
                return known
            if sum(job.state == WAITING for job in self._jobs.values()) >= LONGEST_QUEUE:
                raise BusyError(f"{LONGEST_QUEUE} jobs are waiting; expected fewer; try again when some are done")
            job = Job(name, title, str(question.get("kind", "")))
            self._jobs[name] = job
            self._jobs.move_to_end(name)
            self._forget()
            self._queue.put((job, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cutaway works", daemon=True)
                self._thread.start()
        return job

    def get(self, name: str) -> Job | None:
        with self._lock:
            return self._jobs.get(name)

    def all(self) -> list[Job]:
        """The latest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def close(self, seconds: float = 5.0) -> None:
        """Cancel everything and wait a while for what runs: the server ends."""
        for job in self.all():
            if job.state not in ENDED:
                job.cancel()
        running = [job for job in self.all() if job.state == RUNNING]
        for job in running:
            job.ended(seconds)

    def _forget(self) -> None:
        for name in [name for name, job in self._jobs.items() if job.state in ENDED][: max(0, len(self._jobs) - KEPT)]:
            del self._jobs[name]

    def _run(self) -> None:
        gives_way()
        while True:
            job, work = self._queue.get()
            if job.stopped():
                job._update(state=CANCELLED)
                continue
            job._update(state=RUNNING)
            try:
                job._update(result=work(job))
                job._update(state=DONE)
            except CancelledError:
                job._update(state=CANCELLED)
            except CutawayError as error:
                job._update(state=CANCELLED if job.stopped() else FAILED, says=str(error))
            except Exception as error:  # the queue outlives whatever one job does
                traceback.print_exc()
                job._update(state=FAILED, says=f"internal error: {type(error).__name__}")

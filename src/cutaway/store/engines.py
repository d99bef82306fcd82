"""Engines: who makes the shards. In this process, or on a Ray cluster; the shards are the same."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from cutaway.core.errors import MissingExtraError, StoreError
from cutaway.store.work import Work, sweep_shards

Engine = Callable[[Work, Sequence[int], int], Iterator[int]]
"""engine(work, shards, workers): makes the shards; says each time how many more pictures are done."""


def local(work: Work, shards: Sequence[int], workers: int) -> Iterator[int]:
    """In this process: one thread decodes while torch's threads run the network."""
    for _, count in sweep_shards(work, shards):
        yield count


def ray(work: Work, shards: Sequence[int], workers: int) -> Iterator[int]:
    """On Ray, one shard per task; a task that a machine loses is run again. The store lies where all of them see it.

    Joins the cluster that is there (RAY_ADDRESS, or ray.init before), else starts one here for the time of the sweep.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray as cluster
    except ImportError:
        raise MissingExtraError("the engine ray", "ray") from None
    started = not cluster.is_initialized()
    if started:
        address = os.environ.get("RAY_ADDRESS")
        here: Mapping[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
        cluster.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **here)
    try:
        yield from _spread(cluster, work, shards, workers)
    finally:
        if started:
            cluster.shutdown()


def _spread(cluster: Any, work: Work, shards: Sequence[int], workers: int) -> Iterator[int]:
    shared = cluster.put(work)
    modules = {"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}}  # where the network's code lies
    task = cluster.remote(num_cpus=1, max_retries=3, runtime_env=modules)(_make_shard)
    waiting = list(shards)
    running: dict[Any, int] = {}
    while waiting or running:
        while waiting and len(running) < 2 * workers:
            running[task.remote(shared, waiting[0])] = waiting[0]
            waiting.pop(0)
        done, _ = cluster.wait(list(running), num_returns=1)
        shard = running.pop(done[0])
        try:
            yield cluster.get(done[0])
        except cluster.exceptions.RayTaskError as error:
            raise error.cause from None
        except cluster.exceptions.RayError as error:
            raise StoreError(
                f"a Ray worker failed on shard {shard} ({type(error).__name__}); the finished shards are kept; "
                "run the same sweep again"
            ) from None


def _make_shard(work: Work, shard: int) -> int:
    """One task: one shard, with one thread, as the workers share the machine's cores."""
    torch.set_num_threads(1)
    return sum(count for _, count in sweep_shards(work, [shard]))


ENGINES: Mapping[str, Engine] = {"local": local, "ray": ray}

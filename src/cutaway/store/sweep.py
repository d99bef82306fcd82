"""Sweep: a model looks at a whole data set, and a store keeps what each unit answered."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path

from cutaway.core import devices
from cutaway.core.cache import write_atomically
from cutaway.core.errors import DataError, OptionError, StoreError, choose
from cutaway.data.dataset import Dataset
from cutaway.data.specs import open_dataset
from cutaway.nets.model import Model
from cutaway.store.engines import ENGINES
from cutaway.store.instances import arrow
from cutaway.store.layers import default_layers
from cutaway.store.lock import locked
from cutaway.store.plan import LayerPlan, Plan, differences, read_plan, write_plan, write_text
from cutaway.store.sealed import MANIFEST, SUMMARY, manifest
from cutaway.store.shard import BESIDE, SHARDS, damage, read_seal, shard_folder, write_folder
from cutaway.store.store import Store
from cutaway.store.summary import write_summary
from cutaway.store.work import Work
from cutaway.trace import layout

SHARD = 1024
"""Pictures per shard: a killed sweep loses at most these."""

PIXELS = 16 * 224 * 224
"""Pixels per batch where nothing is said; larger ones gain nothing on a CPU."""

Progress = Callable[[int, int], None]


def sweep(
    model: Model,
    dataset: Dataset | str,
    path: str | PathLike[str],
    layers: Sequence[str] | None = None,
    engine: str = "local",
    *,
    precision: str = "float32",
    batch_size: int | None = None,
    shard_size: int = SHARD,
    workers: int = 2,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Store:
    """Show every picture of a data set to a model, and keep each unit's answers in a store at `path`.

    dataset: one, or a spec; only from a spec can the store find the pictures again by itself. layers: names, None =
    the network's blocks. engine: "local" or "ray" (with so many `workers`). precision: "float32", or "auto" where
    speed counts more than the third digit. progress: called with (pictures done, all). say: told of what was repaired.

    The same call resumes what was killed, and repairs what the disk damaged: sealed shards are checked, others are
    made again, and the result equals that of an undisturbed sweep byte for byte. Memory does not grow with the data
    set. A StoreError where the folder holds a store of another model, data set or plan, or is being written.
    """
    arrow()
    engine = choose(engine, ENGINES, "engine")
    for name, number in (("batch_size", batch_size), ("shard_size", shard_size), ("workers", workers)):
        if number is not None and number < 1:
            raise OptionError(f"{name} is {number}; expected at least 1")
    devices.autocast(model.device, precision)
    spec, opened = (dataset, open_dataset(dataset)) if isinstance(dataset, str) else ("", dataset)
    if not len(opened):
        raise DataError("the data set holds no pictures; expected at least one; check its spec")
    where = Path(path)
    plan = plan_for(model, opened, spec, layers, precision, batch_size, shard_size)
    with locked(where):
        _begin(where, plan)
        missing = _missing(where, plan, say or (lambda _: None))
        done = plan.count - sum(len(plan.span(shard)) for shard in missing)
        try:
            for count in ENGINES[engine](Work(model, opened, plan, where), missing, workers):
                done += count
                if progress:
                    progress(done, plan.count)
            _finish(where, plan, model)
        except OSError as error:
            raise StoreError(
                f"cannot write the store {where} ({error.strerror or error}); its finished shards are kept; "
                "make room, and run the same cutaway sweep again"
            ) from error
    return Store.open(where, dataset=opened)


def plan_for(
    model: Model,
    dataset: Dataset,
    spec: str,
    layers: Sequence[str] | None,
    precision: str,
    batch_size: int | None,
    shard_size: int,
) -> Plan:
    """What the sweep will do, with every choice made that was left open."""
    if isinstance(layers, str):
        raise OptionError(f'layers is the text "{layers}"; expected a list of layer names; try ["{layers}"]')
    names = tuple(dict.fromkeys(layers)) if layers else default_layers(model)
    found = [(name, layout(model, name)) for name in names]
    height, width = model.preprocess.shape[1:]
    classes = tuple(model.label(index) for index in range(_classes(model)))
    return Plan(
        model=model.name,
        spec=model.spec,
        weights=model.weights_hash(),
        preprocess=repr(model.preprocess),
        multilabel=model.multilabel,
        classes=classes,
        data=spec,
        count=len(dataset),
        labels=tuple(dataset.labels),
        truth=truth(tuple(dataset.labels), classes),
        layers=tuple(LayerPlan(name, axes.channels, axes.grid) for name, axes in found),
        shard_size=shard_size,
        batch_size=batch_size or max(8, min(128, PIXELS // (height * width))),
        precision=precision,
    )


def truth(labels: Sequence[str], classes: Sequence[str]) -> tuple[int, ...]:
    """The network's class for each label of a data set: by its name; by its number where no name fits and both have
    as many; else -1."""
    index = {name.casefold(): number for number, name in reversed(list(enumerate(classes)))}
    found = tuple(index.get(label.casefold(), -1) for label in labels)
    if all(number < 0 for number in found) and len(labels) == len(classes):
        return tuple(range(len(labels)))
    return found


def _classes(model: Model) -> int:
    if model.labels is not None:
        return len(model.labels)
    import torch

    with torch.no_grad():
        return model(torch.full((1, *model.preprocess.shape), 0.5, device=model.device)).shape[1]


def _begin(store: Path, plan: Plan) -> None:
    """Write the plan, or see that the one that is there is the same."""
    present = [entry.name for entry in store.iterdir() if not entry.name.startswith(".")]
    if not present:
        write_plan(store, plan)
        return
    if differ := differences(read_plan(store), plan):
        raise StoreError(
            f"{store} holds another sweep ({'; '.join(differ)}); expected the same one; try another --store"
        )


def _missing(store: Path, plan: Plan, say: Callable[[str], None]) -> list[int]:
    """The shards that are not there whole; what a killed sweep left lying about is removed."""
    (store / SHARDS).mkdir(exist_ok=True)
    for rest in [*(store / SHARDS).glob(f"{BESIDE}*"), *store.glob(f"{BESIDE}*"), *store.glob(f".{MANIFEST}*")]:
        shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
    missing = []
    for shard in range(plan.shards):
        folder = shard_folder(store, shard)
        seal = read_seal(folder)
        found = damage(folder, seal, thorough=True) if seal else ["it has no seal"] if folder.exists() else []
        if found:
            say(f"shard {shard} is damaged ({'; '.join(found)}): it is made again")
        if found or seal is None:
            (store / MANIFEST).unlink(missing_ok=True)
            missing.append(shard)
    return missing


def _finish(store: Path, plan: Plan, model: Model) -> None:
    """The summary, then the manifest, which makes the store whole."""
    seals = [read_seal(shard_folder(store, shard)) for shard in range(plan.shards)]
    whole = [seal for seal in seals if seal is not None]
    kept = read_seal(store / SUMMARY)
    named = kept is not None and _same(store / MANIFEST, manifest(plan, whole, kept))
    if kept is not None and named and not damage(store / SUMMARY, kept, thorough=True):
        return
    (store / MANIFEST).unlink(missing_ok=True)
    seal = write_folder(store / SUMMARY, partial(write_summary, store, plan, whole, model))
    write_atomically(store / MANIFEST, partial(write_text, manifest(plan, whole, seal)))


def _same(file: Path, text: str) -> bool:
    return file.is_file() and file.read_bytes() == text.encode()

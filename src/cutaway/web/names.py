"""Names of units: read from a file, or found from the captions of a store's pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cutaway.core import cache
from cutaway.core.errors import DataError, StoreError
from cutaway.core.types import Unit
from cutaway.naming import UnitNames, fit_coupling, name_units, open_encoder
from cutaway.naming.files import read_names, save_names
from cutaway.nets.model import Model
from cutaway.store import Store
from cutaway.trace import layouts
from cutaway.web.jobs import Job

MOST = 3000
"""Captioned pictures that names are found from, evenly spread over the store."""

LEAST = 30


def captioned(store: Store) -> np.ndarray:
    """The numbers of the pictures that have captions and could be read."""
    told = store.instances.table["captions"].is_valid().to_numpy()
    return np.setdiff1d(np.flatnonzero(told), store.failed)


def find_names(store: Store, layer: str, job: Job) -> dict[str, Any]:
    """Name the units of a layer by the phrases seen in the pictures that they fire on; kept for the next time."""
    told = captioned(store)
    if len(told) < LEAST:
        raise StoreError(
            f"{len(told)} pictures of the store have captions; expected at least {LEAST}; try cutaway name with "
            "captioned pictures, and cutaway serve --names"
        )
    job.tell(0, 3, "captions and units")
    told = told[:: -(-len(told) // MOST)]
    captions = store.instances.table["captions"].take(told).to_pylist()
    coupling = fit_coupling(store.values(layer, told, "mean"), captions, open_encoder("shipped"))
    job.tell(1, 3, "names")
    channels = store.plan.layers[store.plan.layer(layer)].channels
    found = name_units(coupling, units=[f"{layer}:{channel}" for channel in range(channels)])
    job.tell(2, 3, "names")
    save_names(found, _file(store, layer))
    return {"layer": layer, "named": sum(not unit.abstained for unit in found)}


def found_names(store: Store, layer: str) -> dict[int, dict[str, Any]]:
    """The names of a layer's units that were found before, by channel."""
    file = _file(store, layer)
    return by_channel(read_names(file)) if file.is_file() else {}


def by_channel(names: Iterable[UnitNames]) -> dict[int, dict[str, Any]]:
    """What a page needs: the text of each unit that has a name, how well it fits, and other meanings."""
    return {
        Unit.parse(unit.unit).channel: {
            "text": unit.text,
            "score": round(unit.names[0].score, 3),
            "others": [name.text for name in unit.names[1:3]],
        }
        for unit in names
        if not unit.abstained
    }


def given_names(files: Iterable[Path], models: Mapping[str, Model]) -> dict[tuple[str, str], dict[int, dict[str, Any]]]:
    """The names in files, by model and layer; a DataError where no model on the bench has such units."""
    found: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for file in files:
        by_layer: dict[str, list[UnitNames]] = {}
        for unit in read_names(file):
            by_layer.setdefault(Unit.parse(unit.unit).layer, []).append(unit)
        for layer, units in by_layer.items():
            most = max(Unit.parse(unit.unit).channel for unit in units)
            owners = [name for name, model in models.items() if _has(model, layer, most)]
            if not owners:
                raise DataError(
                    f"{file} names {layer}:{most}, which {', '.join(models)} has not; expected names of units on the "
                    "bench; try another --names, or --model with the network that was named"
                )
            for owner in owners:
                found.setdefault((owner, layer), {}).update(by_channel(units))
    return found


def _has(model: Model, layer: str, channel: int) -> bool:
    found = layouts(model)
    return layer in found and channel < found[layer].channels


def _file(store: Store, layer: str) -> Path:
    """Where found names are kept: in the cache, by what they follow from."""
    question = json.dumps([store.plan.key(), layer, MOST])
    return cache.folder() / "names" / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"

"""The bench: the models and stores that the workbench shows. Clients choose among them by their short names only."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from jaxtyping import Float

from cutaway.core.errors import CutawayError, PictureError, StoreError, suggestion
from cutaway.core.types import Pictures
from cutaway.data.pictures import from_pil
from cutaway.nets.model import Model
from cutaway.store import Store, picture_of
from cutaway.store.pictures import dataset_of
from cutaway.trace import layouts
from cutaway.web.answers import grid_of
from cutaway.web.images import decoded

GRIDS = 16
"""Answers of a layer to a picture that are remembered."""

KEPT = 64
"""Uploaded pictures that are remembered; the oldest go first."""


Thing = TypeVar("Thing")


class NotFoundError(CutawayError):
    """A name that is not on the bench."""


@dataclass(frozen=True)
class Shown:
    """A picture on the bench: as the network takes it, and its name for people."""

    pictures: Pictures
    name: str
    label: str | None


@dataclass(eq=False)
class Bench:
    """models and stores by their short names; every store names the model that it was made with.

    names: of units, in words, by model, layer and channel.
    """

    models: Mapping[str, Model]
    stores: Mapping[str, Store] = field(default_factory=dict)
    model_of: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[tuple[str, str], Mapping[int, dict[str, Any]]] = field(default_factory=dict)
    _uploads: OrderedDict[str, tuple[str, torch.Tensor]] = field(default_factory=OrderedDict, repr=False)
    _prepared: OrderedDict[tuple[str, str], Shown] = field(default_factory=OrderedDict, repr=False)
    _grids: OrderedDict[tuple[str, str, str], torch.Tensor] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def model(self, name: str) -> Model:
        return _found(name, self.models, "model")

    def store(self, name: str) -> Store:
        return _found(name, self.stores, "store")

    def keep_upload(self, content: bytes, name: str) -> str:
        """Decode and remember a picture that was sent; gives its reference. A PictureError where it is none."""
        picture = from_pil(decoded(content))
        reference = f"upload-{hashlib.sha256(content).hexdigest()[:24]}"
        with self._lock:
            self._uploads[reference] = (name[:120], picture)
            self._uploads.move_to_end(reference)
            while len(self._uploads) > KEPT:
                self._uploads.popitem(last=False)
        return reference

    def warm(self) -> None:
        """Look into every model, and read ahead what the stores will be asked for, so that first answers are quick."""
        for model in self.models.values():
            layouts(model)
        for store in self.stores.values():
            with suppress(CutawayError):  # said to the one who asks for a picture
                dataset_of(store)
            store.warm()

    def picture(self, model: str, reference: str) -> Shown:
        """The picture of a reference, `upload-HASH` or `STORE-NUMBER`, prepared for a model."""
        key = (model, reference)
        with self._lock:
            if key in self._prepared:
                self._prepared.move_to_end(key)
                return self._prepared[key]
        shown = self._prepare(self.model(model), reference)
        with self._lock:
            self._prepared[key] = shown
            while len(self._prepared) > KEPT:
                self._prepared.popitem(last=False)
        return shown

    def grid(self, model: str, reference: str, layer: str) -> Float[torch.Tensor, "channels rows columns"]:
        """What a layer answers to a picture; the last ones are remembered, as a page asks for many units of one."""
        key = (model, reference, layer)
        with self._lock:
            kept = self._grids.get(key)
        if kept is None:
            kept = grid_of(self.model(model), self.picture(model, reference).pictures, layer)
            with self._lock:
                self._grids[key] = kept
                while len(self._grids) > GRIDS:
                    self._grids.popitem(last=False)
        return kept

    def _prepare(self, model: Model, reference: str) -> Shown:
        place, _, number = reference.rpartition("-")
        if place == "upload":
            with self._lock:
                kept = self._uploads.get(reference)
            if kept is None:
                raise NotFoundError("this picture is not here any more; upload it again")
            return Shown(model.prepare(kept[1]), kept[0], None)
        if not number.isdecimal() or not number.isascii() or len(number) > 12:
            raise PictureError("no such picture; expected STORE-NUMBER or upload-HASH")
        store = self.store(place)
        found = picture_of(store, int(number))
        row = store.rows([found.instance])[0]
        return Shown(model.prepare(found.sample.picture), row["key"], row["label"])


def _found(name: str, table: Mapping[str, Thing], what: str) -> Thing:
    if name not in table:
        raise NotFoundError(f'no {what} "{name[:60]}"; expected one of {", ".join(table)}{suggestion(name, table)}')
    return table[name]


def check_belongs(store: Store, model: Model) -> None:
    """A StoreError where a store was made with other weights or another preprocessing than the model has."""
    from cutaway.store.pictures import model_changed

    for said in model_changed(store, model):
        raise StoreError(f"{said}; expected the same ones; try --model with that network, or sweep again")

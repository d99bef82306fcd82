"""The pictures of a store: fetched from where they came, and never shown as what they are not any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from cutaway.core.errors import CutawayError, PictureError, StoreError
from cutaway.data.dataset import Dataset, Sample
from cutaway.data.specs import open_dataset
from cutaway.nets.model import Model
from cutaway.store.reading import picture_hash
from cutaway.store.store import Store

_OPENING = threading.Lock()
"""A data set may take seconds and much memory to open: of many who ask at once, one opens it and the others wait."""


@dataclass(frozen=True)
class Picture:
    """One picture of a store, as its data set gives it now, checked against the hash of the sweep."""

    instance: int
    sample: Sample


def dataset_of(store: Store) -> Dataset:
    """Where the store's pictures come from; a StoreError where that is not known, or is another size by now."""
    if not store.plan.data and store.dataset is None:
        raise StoreError(
            f"the store {store.folder} does not know where its pictures are; expected the data set; "
            "try Store.open(path, dataset=...)"
        )
    with _OPENING:
        if store.dataset is None:
            try:
                store.dataset = open_dataset(store.plan.data)
            except CutawayError as error:
                raise StoreError(f"the pictures of the store {store.folder} are not there any more ({error})") from None
    if len(store.dataset) != store.plan.count:
        raise StoreError(
            f"{store.plan.data or 'the data set'} has {len(store.dataset):,} pictures now; expected the "
            f"{store.plan.count:,} that the store {store.folder} was made from; sweep again into another folder"
        )
    return store.dataset


def picture_of(store: Store, instance: int) -> Picture:
    """The picture, if it is still the one that the sweep saw; else a PictureError that says what became of it."""
    row = store.rows([instance])[0]
    if row["error"] is not None:
        raise PictureError(f"{row['key']} could not be read in the sweep ({row['error']})")
    dataset = dataset_of(store)
    try:
        sample = dataset[instance]
        now = picture_hash(dataset, instance, sample)
    except (CutawayError, OSError) as error:
        raise PictureError(f"{row['key']} cannot be read any more ({error}); sweep again to leave it out") from None
    if now != row["hash"]:
        raise PictureError(
            f"{row['key']} has changed since the sweep (its hash differs); the store does not speak of it any more; "
            "sweep again into another folder"
        )
    return Picture(instance, sample)


def changed(store: Store, model: Model | None = None) -> Iterator[str]:
    """What is not as it was in the sweep: the model's weights or preprocessing, then every picture, in words."""
    if model is not None:
        yield from model_changed(store, model)
    for instance in range(len(store)):
        if instance in store.failed:
            continue
        try:
            picture_of(store, instance)
        except PictureError as error:
            yield str(error)


def model_changed(store: Store, model: Model) -> Iterator[str]:
    """In what a model differs from the one that the store was made with."""
    plan = store.plan
    if model.weights_hash() != plan.weights:
        yield f"{model.name} has other weights than the {plan.model} that the store {store.folder} was made with"
    elif repr(model.preprocess) != plan.preprocess:
        yield f"{model.name} prepares pictures otherwise than for the store {store.folder}"

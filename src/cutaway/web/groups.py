"""Neuron groups: channels that fire for the same pictures of a store, or at the same places of one picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import NMF

from cutaway.blocks.neuron_groups import neuron_groups
from cutaway.core.types import Pictures
from cutaway.nets.model import Model
from cutaway.store import Store
from cutaway.web.jobs import Job
from cutaway.web.shapes import GroupsAsked, PictureGroupsAsked

SAMPLE, STEPS = 2000, 200


def neuron_groups_of(store: Store, asked: GroupsAsked, job: Job) -> list[dict[str, Any]]:
    """Non-negative factors of the matrix pictures x units, over up to 2,000 pictures evenly spread: for each group its
    strongest channels and the pictures that show it best (Olah et al. 2018, there over places)."""
    job.tell(0, 2, "reading")
    readable = np.setdiff1d(np.arange(len(store)), store.failed)
    chosen = readable[:: max(1, len(readable) // SAMPLE)][:SAMPLE]
    values = np.maximum(store.values(asked.layer, chosen), 0)
    job.tell(1, 2, "factoring")
    count = min(asked.groups, *values.shape)
    factors = NMF(count, init="nndsvda", max_iter=STEPS, tol=1e-3, random_state=0)
    shares = factors.fit_transform(values / (values.std(axis=0) + 1e-6))
    found = []
    for group in range(count):
        channels = np.argsort(-factors.components_[group])[:8]
        pictures = chosen[np.argsort(-shares[:, group])[:6]]
        found.append(
            {"channels": channels.tolist(), "pictures": pictures.tolist(), "weight": float(shares[:, group].mean())}
        )
    return sorted(found, key=lambda each: -each["weight"])


def neuron_groups_in(model: Model, picture: Pictures, asked: PictureGroupsAsked, job: Job) -> dict[str, Any]:
    """The groups of one picture: where each is, its channels, and what it adds to a class score, estimated (to first
    order) and measured (without it), in logits."""
    job.tell(0, 1, "factoring")
    found = neuron_groups(
        model, picture[0], asked.layer, asked.groups, target=asked.target, visualize=False, restarts=1, batch_size=8
    )
    target = found.target[0]
    job.tell(1, 1, "factoring")
    return {
        "layer": asked.layer,
        "target": target,
        "rows": found.maps.shape[2],
        "columns": found.maps.shape[3],
        "left_over": found.error,
        "groups": [
            {
                "channels": [channel for channel, _ in found.channels(group, 5)],
                "map": _shares(found.maps[0, group].numpy()),
                "estimated": float(found.contributions[0, group, target]),
                "measured": float(found.measured[0, group, target]),
            }
            for group in range(len(found.directions))
        ],
    }


def _shares(values: np.ndarray) -> list[float]:
    """A map row by row, as shares of its largest value."""
    rounded: list[float] = np.round(values / max(float(values.max()), 1e-9), 3).ravel().tolist()
    return rounded

"""Neuron groups of a store: channels of a layer that fire for the same pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import NMF

from cutaway.store import Store
from cutaway.web.jobs import Job
from cutaway.web.shapes import GroupsAsked

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

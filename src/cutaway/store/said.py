"""What was said: the rows of the instances table, from what is known of pictures and what the network answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool
from torch import Tensor

from cutaway.core.types import Logits
from cutaway.store.plan import Plan
from cutaway.store.reading import Reading


def columns(plan: Plan, readings: Sequence[Reading], logits: Logits, likely: Tensor) -> dict[str, list[Any]]:
    """The columns of the instances table for some pictures; of one that could not be read they say only why.

    likely: the probabilities that belong to the logits.
    A whole shard at once: row by row this would take the network's core for longer than writing the shard does.
    """
    read = np.array([reading.error is None for reading in readings])
    truth = np.array([-1 if reading.label is None else plan.truth[reading.label] for reading in readings])
    exclusive = logits.shape[1] > 1 and not plan.multilabel
    surprise = -(logits.log_softmax(dim=1) if exclusive else likely.clamp_min(1e-38).log())
    best = logits.nan_to_num(-np.inf).topk(min(2, logits.shape[1]), dim=1)
    first = best.indices[:, 0].numpy()
    every, known = np.arange(len(readings)), read & (truth >= 0)
    found: dict[str, list[Any]] = {
        "instance": [reading.instance for reading in readings],
        "key": [reading.key for reading in readings],
        "hash": [reading.hash for reading in readings],
        "label": [None if reading.label is None else plan.labels[reading.label] for reading in readings],
        "prediction": _named(plan, first, read),
        "prediction_index": _where(first, read),
        "probability": _where(likely.numpy()[every, first], read),
        "label_index": _where(truth, known),
        "label_probability": _where(likely.numpy()[every, truth], known),
        "loss": _where(surprise.numpy()[every, truth], known),
        "correct": _where(first == truth, known),
        "captions": [list(reading.captions) or None for reading in readings],
        "error": [reading.error for reading in readings],
        "extra": [json.dumps(dict(reading.facts)) for reading in readings],
    }
    if logits.shape[1] > 1:
        found["runner_up"] = _named(plan, best.indices[:, 1].numpy(), read)
        found["margin"] = _where((best.values[:, 0] - best.values[:, 1]).numpy(), read)
    return found


def _where(values: np.ndarray, there: Bool[np.ndarray, " n"]) -> list[Any]:
    return [value if is_there else None for value, is_there in zip(values.tolist(), there, strict=True)]


def _named(plan: Plan, classes: np.ndarray, there: Bool[np.ndarray, " n"]) -> list[str | None]:
    return [plan.classes[index] if is_there else None for index, is_there in zip(classes, there, strict=True)]

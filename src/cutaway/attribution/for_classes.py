"""Several classes at once: one attribution for each of them, sharing the passes that do not depend on the class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from cutaway.attribution.attribution import Attribution
from cutaway.attribution.scores import Forward, Inputs, check_inputs, pass_size, portions
from cutaway.attribution.sharing import tape
from cutaway.core.errors import TargetError
from cutaway.nets.targets import Target

APART = {"integrated_gradients", "smoothgrad"}
"""Methods that are asked once for each class: to keep what all their gradients need would fill the memory."""


def for_classes(
    method: Callable[..., Attribution],
    forward: Forward,
    inputs: Inputs,
    targets: Sequence[Target],
    *,
    batch_size: int | None = None,
    **options: Any,
) -> list[Attribution]:
    """What `method` answers for each of the targets, in their order: the same values as asked one by one.

    Each target is an index, a label, or one index per input. Passes through the network that are the same for every
    class are made once: for n classes a gradient takes one forward and n backward passes, and an occlusion no more than
    for one class. options: those of the method. A method of your own may share too, by calling ours.
    """
    if not targets:
        raise TargetError("targets is empty; expected at least one class; try [0]")
    if getattr(method, "__name__", "") in APART:
        return [method(forward, inputs, each, batch_size=batch_size, **options) for each in targets]
    check_inputs(inputs)
    size = pass_size(batch_size, len(inputs))
    found: list[list[Attribution]] = [[] for _ in targets]
    split = [[part for _, part, _ in portions(inputs, each, None, size)] for each in targets]
    against = [part for _, part, _ in portions(inputs, options.pop("versus", None), None, size)]
    for number, chunk in enumerate(inputs.split(size)):
        with tape() as passes:
            for each, answers in zip(split, found, strict=True):
                passes.rewind()
                answers.append(
                    method(forward, chunk, each[number], versus=against[number], batch_size=batch_size, **options)
                )
    return [joined(parts) for parts in found]


def joined(parts: Sequence[Attribution]) -> Attribution:
    """The attributions of consecutive portions of a batch as one."""
    together: dict[str, Any] = {
        field.name: torch.cat([getattr(part, field.name) for part in parts])
        for field in fields(Attribution)
        if isinstance(getattr(parts[0], field.name), Tensor)
    }
    return replace(parts[0], **together)

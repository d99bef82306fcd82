"""`load`: a Model from a spec, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import torch

from cutaway.core import devices
from cutaway.nets.checkpoint import load_weights
from cutaway.nets.labels import read_labels
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.nets.sources import file, hf, own, timm, torchvision
from cutaway.nets.sources.request import Request, parse

SOURCES: Mapping[str, Callable[[Request], Model]] = {
    "": own.load,
    "torchvision": torchvision.load,
    "timm": timm.load,
    "hf": hf.load,
    "file": file.load,
}
"""What stands before the colon of a spec; "" is one of our own networks."""


def load(
    spec: str,
    *,
    weights: str | Path | None = None,
    labels: str | PathLike[str] | Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    device: str | torch.device | None = None,
) -> Model:
    """The model that a spec names, in evaluation mode, with the preprocessing and labels of its source.

    spec: a shipped network (`cifar10`), one of our architectures (`squeezenet1_1`, random weights),
    `torchvision:NAME`, `timm:NAME`, `hf:NAME or FOLDER` (published weights), or `FILE.py:FACTORY`. It may end in
    `?weights=none` (random weights), `?classes=N`, and in `@FILE.safetensors` (or .pt, .pth) as `weights=` does.
    labels: a file or a sequence. size, mean, std: in place of the source's. device: cpu, cuda, cuda:N or mps.

    Errors: ModelError (unknown or unloadable), WeightsError, MissingExtraError (an optional library is not there).
    """
    where = devices.device(device)
    request = parse(spec, weights)
    model = SOURCES[request.source](request)
    if request.file is not None:
        load_weights(model.module, request.file)
    if labels is not None:
        model.labels = read_labels(labels) if isinstance(labels, (str, PathLike)) else tuple(labels)
    model.preprocess = _overridden(model.preprocess, size, mean, std)
    model.spec = spec
    model.note = model.note or request.note
    model.module.eval().to(where)
    return model


def _overridden(
    base: Preprocess,
    size: int | tuple[int, int] | None,
    mean: float | Sequence[float] | None,
    std: float | Sequence[float] | None,
) -> Preprocess:
    """The preprocessing with what the user says; one number stands for every channel."""
    channels = len(base.mean)
    changes: dict[str, object] = {}
    if size is not None:
        changes |= {"size": size, "resize": None}
    for key, values in (("mean", mean), ("std", std)):
        if values is not None:
            given = tuple(values) if isinstance(values, Sequence) else (values,)
            changes[key] = given * channels if len(given) == 1 else given
    return replace(base, **changes)  # type: ignore[arg-type]  # the keys are fields, each with a value of its kind

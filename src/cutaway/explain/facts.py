"""Facts: what was explained, and all that is needed to explain it again."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from os import PathLike
from pathlib import Path

import torch

from cutaway.core.types import Pictures
from cutaway.data.pictures import Source
from cutaway.explain.settings import Settings
from cutaway.nets.model import Model
from cutaway.report.drawing import to_raster
from cutaway.report.schema import ModelFacts, PictureFacts, Provenance


def model_facts(model: Model, classes: int) -> ModelFacts:
    """Which network it is; the hash tells its very weights."""
    return ModelFacts(
        name=model.name,
        spec=model.spec,
        note=model.note,
        input=model.preprocess.shape,
        parameters=sum(parameter.numel() for parameter in model.module.parameters()),
        classes=classes,
        weights_hash=model.weights_hash(),
    )


def picture_facts(source: Source, size: tuple[int, int], pictures: Pictures, image: str) -> PictureFacts:
    """Which picture it is; the hash is of the pixels that the network saw, so that it tells also unnamed pictures."""
    return PictureFacts(
        source=name_of(source),
        sha256=hashlib.sha256(to_raster(pictures[0].cpu().numpy()).tobytes()).hexdigest(),
        size=size,
        image=image,
    )


def name_of(source: Source) -> str:
    """A file's name without its folders (bytes that are no text are replaced), or the kind of object it came as."""
    if isinstance(source, str | PathLike):
        return os.fsencode(Path(source).name).decode("utf-8", "replace")
    return type(source).__name__


def provenance(model: Model, settings: Settings, command: str) -> Provenance:
    """Versions, seed and settings. No date and no timing: the same explanation made twice is the same text."""
    return Provenance(
        cutaway=version("cutaway"),
        torch=torch.__version__,
        python=platform.python_version(),
        device=str(model.device),
        seed=settings.seed,
        settings={name: value for name, value in asdict(settings).items() if name != "seed"},
        command=command,
    )

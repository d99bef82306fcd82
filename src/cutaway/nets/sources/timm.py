"""Classifiers of timm: `timm:convnext_tiny`, by default with the published weights."""

from __future__ import annotations

import math
from typing import Any

from cutaway.core.errors import ModelError, suggestion
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.nets.sources.request import Request, importing, seeded

IMAGENET_CLASSES = 1000


def names() -> list[str]:
    """All architectures of the installed timm."""
    return sorted(_timm().list_models())


def load(request: Request) -> Model:
    """The classifier of that name (`NAME` or `NAME.TAG`); preprocessing and labels as timm gives them."""
    timm = _timm()
    known = names()
    if request.name.partition(".")[0] not in known:
        raise ModelError(
            f'no classifier "{request.name}" in timm (it has {len(known)}){suggestion(request.name, known)}'
        )
    classes = {} if request.classes is None else {"num_classes": request.classes}
    with seeded():
        module = _create(timm, request, classes)
    if not getattr(module, "num_classes", 1):
        raise ModelError(f"{request.spec} has no classes; expected a classifier; try ?classes=N with weights of yours")
    labels = None if request.classes or request.note else _labels(timm, module)
    return Model(module, preprocess_of(module.pretrained_cfg), labels, name=request.name)


def preprocess_of(config: Any) -> Preprocess:
    """The evaluation preprocessing that timm's configuration of a network asks for."""
    _, height, width = config.get("input_size", (3, 224, 224))
    squash = config.get("crop_mode") == "squash"
    resize = math.floor(min(height, width) / float(config.get("crop_pct") or 0.875))
    return Preprocess(
        size=height if height == width else (height, width),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        resize=None if squash else resize,
        interpolation=config.get("interpolation", "bicubic"),
        crop=not squash,
    )


def _create(timm: Any, request: Request, classes: dict[str, int]) -> Any:
    try:
        return timm.create_model(request.name, pretrained=request.published, **classes)
    except Exception as error:  # the hub's client has a dozen kinds of its own for "no network"
        if not request.published:
            raise ModelError(
                f"timm cannot build {request.spec} ({error}); expected an architecture; try another"
            ) from error
        raise ModelError(
            f"the published weights of {request.spec} are neither in the cache nor to be had "
            f"({str(error).strip().splitlines()[0]}); expected to download them; try it online once, "
            f'"{request.spec}@FILE.safetensors", or "{request.spec}?weights=none"'
        ) from error


def _labels(timm: Any, module: Any) -> tuple[str, ...] | None:
    if module.num_classes != IMAGENET_CLASSES:
        return None
    info = timm.data.ImageNetInfo()
    return tuple(info.index_to_description(index) for index in range(IMAGENET_CLASSES))


def _timm() -> Any:
    def build() -> Any:
        import timm
        import timm.data

        return timm

    return importing("timm", build)

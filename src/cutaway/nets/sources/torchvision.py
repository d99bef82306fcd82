"""Classifiers of torchvision: `torchvision:resnet50`, by default with the published weights."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

from cutaway.core.errors import ModelError, suggestion
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.nets.sources.request import Request, importing, seeded


def names() -> list[str]:
    """All classifiers of the installed torchvision."""
    models = _models()
    return sorted(models.list_models(module=models))


def load(request: Request) -> Model:
    """The classifier of that name; preprocessing and labels are those of its published weights."""
    models = _models()
    known = names()
    if request.name not in known:
        raise ModelError(
            f'no classifier "{request.name}" in torchvision (it has {len(known)}){suggestion(request.name, known)}'
        )
    published = models.get_model_weights(request.name).DEFAULT
    with seeded(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some networks will start from other random weights one day
        module = _published(models, published, request) if request.published else _bare(models, published, request)
    labels = None if request.classes or request.note else published.meta["categories"]
    preprocess = preprocess_of(published.transforms())
    if request.note and hasattr(module, "image_size"):  # a transformer without weights takes what it was made for
        preprocess = replace(preprocess, size=module.image_size, resize=None)
    return Model(module, preprocess, labels, name=request.name)


def preprocess_of(transforms: Any) -> Preprocess:
    """Torchvision's preset for classification as a Preprocess."""
    return Preprocess(
        size=_side(transforms.crop_size),
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        resize=_side(transforms.resize_size),
        interpolation=transforms.interpolation.value,
    )


def _side(size: Any) -> int:
    return int(size[0] if isinstance(size, (list, tuple)) else size)


def _models() -> Any:
    def build() -> Any:
        from torchvision import models

        return models

    return importing("torchvision", build)


def _bare(models: Any, published: Any, request: Request) -> Any:
    """The network without weights; for a file of weights it is made as torchvision makes it for the published ones."""
    options: dict[str, Any] = {}
    if request.file and request.name.startswith("vit_"):
        options["image_size"] = published.meta["min_size"][0]
    if request.name in ("googlenet", "inception_v3"):
        options["transform_input"] = True
    if request.classes is not None:
        options["num_classes"] = request.classes
    return models.get_model(request.name, weights=None, **options)


def _published(models: Any, published: Any, request: Request) -> Any:
    try:
        return models.get_model(request.name, weights=published, progress=False)
    except (OSError, RuntimeError) as error:  # no network, no room on the disk, or a damaged download
        raise ModelError(
            f"the published weights of {request.spec} are neither in the cache nor to be had ({error}); expected "
            f'{published.url}; try it online once, "{request.spec}@FILE.safetensors", or "{request.spec}?weights=none"'
        ) from error

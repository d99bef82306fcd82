"""Classifiers of torchvision: `torchvision:resnet50`, by default with the published weights."""

from __future__ import annotations

import warnings
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
    classes = {} if request.classes is None else {"num_classes": request.classes}
    with seeded(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some networks will start from other random weights one day
        module = models.get_model(request.name, weights=None, **classes)
    if request.published:
        module.load_state_dict(_download(published, request))
    labels = None if request.classes or request.note else published.meta["categories"]
    return Model(module, preprocess_of(published.transforms()), labels, name=request.name)


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


def _download(published: Any, request: Request) -> Any:
    try:
        return published.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network, no room on the disk, or a damaged download
        raise ModelError(
            f"the published weights of {request.spec} are neither in the cache nor to be had ({error}); expected "
            f'{published.url}; try it online once, "{request.spec}@FILE.safetensors", or "{request.spec}?weights=none"'
        ) from error

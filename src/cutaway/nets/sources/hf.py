"""Image classifiers of transformers: `hf:google/vit-base-patch16-224`, or `hf:FOLDER` as save_pretrained wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cutaway.core.errors import ModelError, WeightsError
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.nets.sources.request import Request, broken, importing, seeded

CONFIG = "preprocessor_config.json"
_INTERPOLATIONS = {0: "nearest", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers


def load(request: Request) -> Model:
    """The classifier in a folder or on the hub; labels from its config, preprocessing from its image processor's.

    No code from the hub is run: what needs `trust_remote_code` is refused.
    """
    transformers = _transformers()
    config = _config(transformers, request)
    if request.classes is not None:
        config.num_labels = request.classes
    module = _module(transformers, config, request)
    return Model(
        module,
        preprocess_of(_processor(request), config),
        labels_of(config),
        name=Path(request.name).name,
        multilabel=config.problem_type == "multi_label_classification",
    )


def labels_of(config: Any) -> tuple[str, ...] | None:
    """The labels in a config, or None where they are placeholders (LABEL_0, ...)."""
    labels = tuple(str(config.id2label[index]) for index in range(config.num_labels))
    return None if all(label == f"LABEL_{index}" for index, label in enumerate(labels)) else labels


def preprocess_of(processor: Mapping[str, Any], config: Any) -> Preprocess:
    """An image processor's settings as a Preprocess; where there are none, the network's own size and plain [0, 1]."""
    channels = int(getattr(config, "num_channels", 3) or 3)
    own = getattr(config, "image_size", None) or 224
    final = _sides(processor.get("size"), own)
    shortest = _shortest(processor.get("size"))
    size, resize, crop = final, shortest, shortest is not None
    if processor.get("do_center_crop") and processor.get("crop_size"):
        size, resize, crop = _sides(processor["crop_size"], own), shortest or min(final), True
    elif shortest and processor.get("crop_pct"):  # ConvNeXt: below 384 pixels, resized by more and cropped
        size, resize = (shortest, shortest), None if shortest >= 384 else int(shortest / processor["crop_pct"])
    normal = bool(processor.get("do_normalize", processor.get("image_mean") is not None))
    return Preprocess(
        size=size[0] if size[0] == size[1] else size,
        mean=tuple(processor["image_mean"]) if normal else (0.0,) * channels,
        std=tuple(processor["image_std"]) if normal else (1.0,) * channels,
        resize=resize if crop else None,
        interpolation=_INTERPOLATIONS.get(processor.get("resample", 2), "bicubic"),
        crop=crop or not processor,
        bgr=bool(processor.get("do_flip_channel_order")),
    )


def _sides(size: Any, own: int | list[int]) -> tuple[int, int]:
    """(height, width) from any of the ways in which processors write a size."""
    given = size if size is not None else own
    if isinstance(given, Mapping):
        side = given.get("shortest_edge", own)
        given = (given["height"], given["width"]) if "height" in given else side
    return (int(given[0]), int(given[1])) if isinstance(given, (list, tuple)) else (int(given), int(given))


def _shortest(size: Any) -> int | None:
    return int(size["shortest_edge"]) if isinstance(size, Mapping) and "shortest_edge" in size else None


def _processor(request: Request) -> dict[str, Any]:
    """The image processor's settings: its file is read, as building the processor itself would need torchvision."""
    from transformers.utils import cached_file

    try:
        where = cached_file(request.name, CONFIG, _raise_exceptions_for_missing_entries=False)
        found = json.loads(Path(where).read_text(encoding="utf-8")) if where else {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{CONFIG} of {request.spec} cannot be read ({error}); expected JSON") from error
    return found if isinstance(found, dict) else {}


def _config(transformers: Any, request: Request) -> Any:
    try:
        return transformers.AutoConfig.from_pretrained(request.name)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f'no model "{request.name}" in the cache, on the hub or as a folder ({_first_line(error)}); expected a '
            "folder that save_pretrained wrote, or the hub's owner/name and a network connection; check the name"
        ) from error


def _module(transformers: Any, config: Any, request: Request) -> Any:
    auto = transformers.AutoModelForImageClassification
    try:
        if not request.published:
            with seeded():
                return auto.from_config(config)
        module, report = auto.from_pretrained(request.name, config=config, output_loading_info=True)
    except ImportError as error:
        raise broken("transformers", error) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{request.spec} ({config.model_type}) cannot be loaded as an image classifier ({_first_line(error)}); "
            "expected one of transformers' image classifiers; try another model"
        ) from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise WeightsError(
            f"the weights of {request.spec} lack {len(missing)} tensors ({', '.join(missing[:3])}), which would be "
            "random; expected a trained classifier, not a backbone alone; try a fine-tuned model"
        )
    return module


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _transformers() -> Any:
    def build() -> Any:
        import transformers

        return transformers

    return importing("transformers", build)

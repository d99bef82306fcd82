"""transformers: image classifiers in folders, as save_pretrained writes them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from cutaway.core.errors import ModelError, WeightsError
from cutaway.nets import Preprocess, load
from cutaway.nets.sources.hf import preprocess_of

TINY = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
HALVES = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


@pytest.fixture
def folder(tmp_path: Path, transformers: Any) -> Path:
    torch.manual_seed(1)
    labels = {0: "ant", 1: "bee", 2: "cow"}
    config = transformers.ViTConfig(**TINY, id2label=labels, label2id={name: index for index, name in labels.items()})
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path)
    processor = {"size": {"height": 32, "width": 32}, "resample": 2, "do_normalize": True, **HALVES}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    return tmp_path


def test_a_folder_brings_weights_labels_and_preprocessing(folder: Path, transformers: Any) -> None:
    model = load(f"hf:{folder}")
    assert model.labels == ("ant", "bee", "cow")
    assert model.preprocess == Preprocess(size=32, mean=(0.5,) * 3, std=(0.5,) * 3, crop=False)
    assert model.note == ""
    pictures = torch.rand(2, 3, 32, 32)
    plain = transformers.ViTForImageClassification.from_pretrained(folder).eval()
    assert torch.allclose(model(pictures), plain((pictures - 0.5) / 0.5).logits, atol=1e-6)


def test_the_architecture_alone_has_random_weights(folder: Path) -> None:
    model = load(f"hf:{folder}?weights=none")
    assert "random" in model.note
    assert model.weights_hash() != load(f"hf:{folder}").weights_hash()
    assert model.weights_hash() == load(f"hf:{folder}?weights=none").weights_hash()


def test_weights_from_another_file(folder: Path, tmp_path: Path) -> None:
    trained = load(f"hf:{folder}")
    torch.nn.init.ones_(trained.module.classifier.bias)
    torch.save(trained.module.state_dict(), tmp_path / "w.pt")
    assert load(f"hf:{folder}@{tmp_path}/w.pt").weights_hash() == trained.weights_hash()


def test_a_backbone_without_a_trained_head_is_refused(tmp_path: Path, transformers: Any) -> None:
    transformers.ViTModel(transformers.ViTConfig(**TINY), add_pooling_layer=False).save_pretrained(tmp_path)
    with pytest.raises(
        WeightsError, match=r"lack 2 tensors \(classifier.bias, classifier.weight\), which would be random"
    ):
        load(f"hf:{tmp_path}")


def test_a_text_model_is_no_image_classifier(tmp_path: Path, transformers: Any) -> None:
    config = transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    config.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"\(bert\) cannot be loaded as an image classifier"):
        load(f"hf:{tmp_path}?weights=none")


def test_no_such_model(tmp_path: Path, transformers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="expected a folder that save_pretrained wrote, or the hub's owner/name"):
        load(f"hf:{tmp_path}/empty")


def test_placeholder_labels_are_none(tmp_path: Path, transformers: Any) -> None:
    transformers.ViTForImageClassification(transformers.ViTConfig(**TINY)).save_pretrained(tmp_path)
    model = load(f"hf:{tmp_path}")
    assert model.labels is None
    assert model.preprocess == Preprocess(size=32)  # there is no processor: plain [0, 1]


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        # ViT: stretched to the size, whatever the picture's own
        ({"size": 224, "resample": 2, **HALVES}, {"size": 224, "crop": False}),
        # DeiT: stretched to 256, then cropped; the crop is what counts
        (
            {"size": {"height": 256, "width": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224},
             "resample": 3, **HALVES},
            {"size": 224, "resize": 256, "interpolation": "bicubic"},
        ),
        # DINOv2: the short side to 256, then cropped
        (
            {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224},
             "resample": 3, **HALVES},
            {"size": 224, "resize": 256, "interpolation": "bicubic"},
        ),
        # ConvNeXt: below 384 pixels resized by more, and cropped
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 3, **HALVES},
         {"size": 224, "resize": 256, "interpolation": "bicubic"}),
        # MobileViT: blue, green, red, and no normalisation
        (
            {"size": {"shortest_edge": 288}, "do_center_crop": True, "crop_size": {"height": 256, "width": 256},
             "do_flip_channel_order": True, "do_normalize": False, "resample": 2},
            {"size": 256, "resize": 288, "bgr": True, "mean": (0.0,) * 3, "std": (1.0,) * 3},
        ),
    ],
    ids=["ViT", "DeiT", "DINOv2", "ConvNeXt", "MobileViT"],
)  # fmt: skip
def test_the_processors_of_several_architectures(processor: dict[str, Any], expected: dict[str, Any]) -> None:
    options = {"mean": (0.5,) * 3, "std": (0.5,) * 3} | expected
    assert preprocess_of(processor, SimpleNamespace(image_size=224, num_channels=3)) == Preprocess(**options)

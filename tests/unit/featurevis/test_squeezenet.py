"""On a real network with real photographs: pictures excite their channels beyond all of them, and classes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cutaway.data.pictures import read_image
from cutaway.featurevis import batch, class_score, units, visualize
from cutaway.nets import load
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.trace import activations


@pytest.fixture(scope="module")
def squeezenet(shared: Path) -> Model:
    return load(f"squeezenet1_1@{shared / 'models' / 'squeezenet1_1_imagenet.safetensors'}")


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["features.9", "features.12"])
def test_channels_are_excited_beyond_photographs(squeezenet: Model, shared: Path, layer: str) -> None:
    channels = [3, 77, 200, 333]
    fit = Preprocess(128).fit
    photographs = torch.stack([fit(read_image(p)) for p in sorted((shared / "data" / "photos").glob("*.jpg"))[::5]])
    most = activations(squeezenet, photographs, [layer])[layer].mean(dim=(2, 3)).amax(dim=0)[channels]
    found = visualize(squeezenet, units([f"{layer}:{channel}" for channel in channels]), steps=48)
    assert (found.scores > 1.5 * most).all()
    assert (found.pictures.flatten(2).std(dim=2).mean(dim=1) > 0.08).all()
    assert ((found.pictures < 0.02) | (found.pictures > 0.98)).float().mean() < 0.05


@pytest.mark.slow
def test_pictures_of_classes_are_told_as_them(squeezenet: Model) -> None:
    classes = [1, 483, 779, 985]  # goldfish, castle, school bus, daisy
    found = visualize(squeezenet, batch([class_score(index) for index in classes]), steps=48)
    with torch.no_grad():
        assert squeezenet(found.pictures).argmax(dim=1).tolist() == classes

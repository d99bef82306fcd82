"""ImageNet's layout: the order of classes is that of the WordNet ids, wherever the answers come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from cutaway.core.errors import DataError
from cutaway.data.imagenet import NAMES, SOLUTION, TRUTH, open_imagenet

HEN, TENCH = "n01514859", "n01440764"
ANSWERS = [HEN, TENCH, HEN]


def draw(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (10, 10)).save(path, "JPEG")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(1, 4):
        draw(tmp_path / "ILSVRC/Data/CLS-LOC/val" / f"ILSVRC2012_val_{number:08d}.JPEG")
    return tmp_path


def targets(root: Path) -> list[int | None]:
    return [sample.label for sample in open_imagenet(root, "val")]


def test_the_competitions_solution(root: Path) -> None:
    rows = [f"ILSVRC2012_val_{n:08d},{wnid} 1 2 3 4 {wnid} 5 6 7 8 " for n, wnid in enumerate(ANSWERS, start=1)]
    (root / SOLUTION).write_text("\n".join(["ImageId,PredictionString", *rows]))
    assert targets(root) == [1, 0, 1]
    assert open_imagenet(root).labels == (TENCH, HEN)


def test_the_development_kits_numbers_are_not_the_order_of_classes(root: Path) -> None:
    kit = root / "ILSVRC2012_devkit_t12" / "data"
    kit.mkdir(parents=True)
    synsets = np.array([(1, HEN), (2, TENCH)], dtype=[("ILSVRC2012_ID", "i4"), ("WNID", "O")])
    scipy.io.savemat(kit / "meta.mat", {"synsets": synsets})
    (kit / TRUTH).write_text("1\n2\n1\n")
    assert targets(root) == [1, 0, 1]


def test_sorted_by_class_and_named(tmp_path: Path) -> None:
    draw(tmp_path / "val" / HEN / "a.JPEG")
    draw(tmp_path / "val" / TENCH / "b.JPEG")
    (tmp_path / NAMES).write_text(f"{TENCH} tench, Tinca tinca\n{HEN} hen\n")
    data = open_imagenet(tmp_path)
    assert data.labels == ("tench, Tinca tinca", "hen")
    assert [(sample.key, sample.label) for sample in data] == [(f"{TENCH}/b.JPEG", 0), (f"{HEN}/a.JPEG", 1)]


def test_errors_say_which_file_is_missing(root: Path) -> None:
    with pytest.raises(
        DataError, match=f"does not say the classes of .*; expected {SOLUTION}, or {TRUTH} with meta.mat"
    ):
        open_imagenet(root)
    (root / SOLUTION).write_text(f"ImageId,PredictionString\nILSVRC2012_val_00000001,{HEN} 1 2 3 4\n")
    with pytest.raises(DataError, match=r"no class is given for ILSVRC2012_val_00000002\.JPEG"):
        open_imagenet(root)
    with pytest.raises(DataError, match="holds no train split of ImageNet; expected ILSVRC/Data/CLS-LOC/train"):
        open_imagenet(root, "train")
    with pytest.raises(DataError, match='ImageNet has no labelled split "test"; expected train or val'):
        open_imagenet(root, "test")

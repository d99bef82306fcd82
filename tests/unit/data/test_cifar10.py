"""CIFAR-10: three layouts of the same pictures are the same data set."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.core.errors import DataError
from cutaway.data.cifar10 import LABELS, open_cifar10

N = 12


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pictures() -> np.ndarray:
    """Noise, height x width x RGB, one picture of class 0, 1, ... 9, 9, 9."""
    return np.random.default_rng(0).integers(0, 256, (N, 32, 32, 3), dtype=np.uint8)


TARGETS = [min(index, 9) for index in range(N)]


def png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(folder: Path, pictures: np.ndarray) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    cells = [{"bytes": png(values), "path": None} for values in pictures]
    pyarrow.parquet.write_table(pa.table({"img": cells, "label": TARGETS}), folder / "test-00000-of-00001.parquet")


def write_batches(folder: Path, pictures: np.ndarray) -> None:
    rows = [
        bytes([target]) + values.transpose(2, 0, 1).tobytes() for target, values in zip(TARGETS, pictures, strict=True)
    ]
    (folder / "test_batch.bin").write_bytes(b"".join(rows))


def write_folders(folder: Path, pictures: np.ndarray) -> None:
    for number, (target, values) in enumerate(zip(TARGETS, pictures, strict=True)):
        path = folder / "test" / LABELS[target] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(values))


@pytest.mark.parametrize("write", [write_parquet, write_batches, write_folders])
def test_every_layout_gives_the_same_pictures(tmp_path: Path, pictures: np.ndarray, write: object) -> None:
    assert callable(write)
    write(tmp_path, pictures)
    for _ in range(2):  # decoded, then from the cache
        data = open_cifar10(tmp_path, "test")
        assert len(data) == N
        assert data.labels[3] == "cat"
        assert data.targets.tolist() == TARGETS
        sample = data[7]
        assert sample.label == 7
        assert torch.equal(sample.picture, torch.from_numpy(pictures[7]).permute(2, 0, 1).float() / 255)


def test_it_ends_like_a_sequence(tmp_path: Path, pictures: np.ndarray) -> None:
    write_batches(tmp_path, pictures)
    data = open_cifar10(tmp_path, "test")
    assert len(list(data)) == N  # iteration stops at an IndexError
    assert data[-1].key == f"test/{N - 1:05d}"


def test_a_changed_file_is_read_anew(tmp_path: Path, pictures: np.ndarray) -> None:
    write_batches(tmp_path, pictures)
    before = open_cifar10(tmp_path, "test")
    write_batches(tmp_path, 255 - pictures)
    assert torch.equal(open_cifar10(tmp_path, "test").pictures, 255 - before.pictures)


def test_a_damaged_batch(tmp_path: Path) -> None:
    (tmp_path / "test_batch.bin").write_bytes(b"123")
    with pytest.raises(DataError, match=r"test_batch.bin has 3 bytes; expected a multiple of 3,073; try another copy"):
        open_cifar10(tmp_path, "test")


def test_a_label_that_cifar10_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "test_batch.bin").write_bytes(bytes([3]) + bytes(3072) + bytes([12]) + bytes(3072))
    with pytest.raises(DataError, match="has labels 3 to 12; expected 0 to 9, as CIFAR-10 has; try another copy"):
        open_cifar10(tmp_path, "test")


def test_a_picture_of_another_size(tmp_path: Path) -> None:
    path = tmp_path / "test" / "cat" / "a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(png(np.zeros((16, 16, 3), np.uint8)))
    with pytest.raises(DataError, match="a picture of 16 x 16 pixels; expected 32 x 32"):
        open_cifar10(tmp_path, "test")


def test_a_damaged_picture(tmp_path: Path) -> None:
    path = tmp_path / "test" / "cat" / "a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(png(np.zeros((32, 32, 3), np.uint8))[:40])
    with pytest.raises(DataError, match=r"a.png holds a picture that cannot be read"):
        open_cifar10(tmp_path, "test")


def test_an_empty_folder_lists_the_layouts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected test-\*.parquet, test_batch.bin or test/<class>/\*.png; check"):
        open_cifar10(tmp_path, "test")


def test_pickled_batches_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"")
    with pytest.raises(DataError, match=r"try the binary version \(pickles are never read\)"):
        open_cifar10(tmp_path, "train")


def test_an_unknown_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='CIFAR-10 has no split "val"; expected train or test'):
        open_cifar10(tmp_path, "val")

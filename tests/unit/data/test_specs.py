"""Data specs: each scheme opens what it says, and every mistake is answered with what would have been right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cutaway.core.errors import DataError, MissingExtraError
from cutaway.data.dataset import Dataset
from cutaway.data.specs import FORMATS, open_dataset, parse_spec


def test_a_spec_is_taken_apart() -> None:
    spec = parse_spec("partworld:2000?seed=7&bias=background:0.95")
    assert (spec.scheme, spec.place, dict(spec.options)) == (
        "partworld",
        "2000",
        {"seed": "7", "bias": "background:0.95"},
    )
    assert parse_spec("folder:a:b/c?split=val").place == "a:b/c"


def test_every_example_parses() -> None:
    for name, one in FORMATS.items():
        assert parse_spec(one.example).scheme == name


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("cifr10:x", 'no data format "cifr10"; expected one of .*cifar10:DIR.*; did you mean "cifar10"\\?'),
        ("pictures", '"pictures" names no data format; expected one of .*; try "folder:pictures"'),
        ("folder:", '"folder:" says no place; expected folder:DIR'),
        ("folder:x?splt=val", 'folder has no option "splt"; expected split; did you mean "split"\\?'),
        ("folder:/nowhere/at/all", "/nowhere/at/all: no such folder; expected a folder; check the path"),
        ("jsonl:/nowhere.jsonl", "/nowhere.jsonl: no such file; expected a file; check the path"),
        ("partworld:many", 'partworld:many says no number of pictures; expected partworld:N; try "partworld:2000"'),
        ("partworld:0", "partworld:0 says no number of pictures"),
    ],
)
def test_a_wrong_spec_says_what_was_expected(spec: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_dataset(spec)


def test_a_file_where_a_folder_is_expected(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("")
    with pytest.raises(DataError, match="a file; expected a folder"):
        open_dataset(f"folder:{file}")
    with pytest.raises(DataError, match="a folder; expected a file"):
        open_dataset(f"jsonl:{tmp_path}")


def test_parquet_without_pyarrow_says_which_install_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "test-00000-of-00001.parquet").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'try: pip install "cutaway\[store\]"'):
        open_dataset(f"cifar10:{tmp_path}?split=test")


@pytest.mark.parametrize(
    ("spec", "length", "labels"),
    [
        ("cifar10:{}/cifar10?split=test", 10_000, 10),
        ("folder:{}/photos", 500, 0),
        ("folder:{}/photos18?split=val", 62, 18),
        ("jsonl:{}/captions/captions.jsonl", 700, 0),
        ("jsonl:{}/birds/birds.jsonl?split=test", 341, 0),
    ],
)
def test_the_real_sets_open(shared: Path, spec: str, length: int, labels: int) -> None:
    data = open_dataset(spec.format(shared / "data"))
    assert isinstance(data, Dataset)
    assert (len(data), len(data.labels)) == (length, labels)
    sample = data[length - 1]
    assert sample.picture.shape[0] == 3
    assert 0 <= float(sample.picture.min()) < float(sample.picture.max()) <= 1
    assert (sample.label is None) == (labels == 0)

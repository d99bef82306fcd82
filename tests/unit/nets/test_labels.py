"""Labels from files of every common kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cutaway.core.errors import ModelError
from cutaway.nets.labels import read_labels


@pytest.mark.parametrize(
    "found",
    [
        ["ant", "bee", "cow"],
        [{"index": 2, "name": "cow"}, {"index": 0, "name": "ant", "wnid": "n1"}, {"index": 1, "name": "bee"}],
        {"0": "ant", "2": "cow", "1": "bee"},
        {"id2label": {"0": "ant", "1": "bee", "2": "cow"}, "hidden_size": 3},
    ],
)
def test_json_of_every_kind(tmp_path: Path, found: Any) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(found))
    assert read_labels(tmp_path / "labels.json") == ("ant", "bee", "cow")


def test_text_has_one_label_on_each_line(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("ant\nbee, honeybee\n\ncow\n", encoding="utf-8")
    assert read_labels(tmp_path / "labels.txt") == ("ant", "bee, honeybee", "cow")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"0": "ant", "2": "cow"}', "no label for class 1"),
        ('{"ant": 0}', "a dict that names no classes"),
        ("7", "a int that names no classes"),
        ("[", "Expecting value"),
    ],
)
def test_json_that_holds_no_labels(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(ModelError, match=rf"holds no labels \({reason}.*\); expected a .txt with one label"):
        read_labels(tmp_path / "labels.json")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no such file of labels; expected a \.txt"):
        read_labels(tmp_path / "labels.txt")


def test_imagenets_labels(shared: Path) -> None:
    labels = read_labels(shared / "data/imagenet_labels.json")
    assert len(labels) == 1000
    assert labels[0].startswith("tench")

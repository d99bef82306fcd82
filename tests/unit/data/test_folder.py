"""Folders of pictures: classes, splits, and what is no data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cutaway.core.errors import DataError
from cutaway.data.folder import open_folder


def draw(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 10), "red").save(path)


def test_classes_are_folders_in_alphabetical_order(tmp_path: Path) -> None:
    draw(tmp_path / "wren" / "b.png", tmp_path / "wren" / "a.JPG", tmp_path / "owl" / "c.webp")
    (tmp_path / "owl" / "notes.txt").write_text("no picture")
    (tmp_path / "empty").mkdir()
    data = open_folder(tmp_path)
    assert data.labels == ("owl", "wren")
    assert [(sample.key, sample.label) for sample in data] == [("owl/c.webp", 0), ("wren/a.JPG", 1), ("wren/b.png", 1)]
    assert data[0].picture.shape == (3, 10, 12)


def test_pictures_without_classes(tmp_path: Path) -> None:
    draw(tmp_path / "b.png", tmp_path / "a.png")
    data = open_folder(tmp_path)
    assert data.labels == ()
    assert [(sample.key, sample.label) for sample in data] == [("a.png", None), ("b.png", None)]


def test_a_split_is_a_folder_above_the_classes(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "owl" / "a.png", tmp_path / "val" / "owl" / "b.png")
    assert [sample.key for sample in open_folder(tmp_path, "val")] == ["owl/b.png"]
    with pytest.raises(DataError, match=r'holds the splits train, val; expected one of them; try "\?split=train"'):
        open_folder(tmp_path)
    with pytest.raises(
        DataError, match=r'has no split "vol"; expected one of its folders: train, val; did you mean "val"'
    ):
        open_folder(tmp_path, "vol")


@pytest.mark.parametrize("split", ["..", "../other", "/tmp"])
def test_a_split_does_not_lead_out_of_the_folder(tmp_path: Path, split: str) -> None:
    draw(tmp_path / "data" / "owl" / "a.png", tmp_path / "other" / "b.png")
    with pytest.raises(DataError, match="has no split"):
        open_folder(tmp_path / "data", split)


def test_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no pictures; expected <class>/\*.jpg .* check the folder"):
        open_folder(tmp_path)
    (tmp_path / "owl").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        open_folder(tmp_path)

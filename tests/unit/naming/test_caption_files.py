"""Caption files of all three forms, what is left out of them, and what cannot be read at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from cutaway.core.errors import DataError
from cutaway.data.partworld import LABELS
from cutaway.naming import negatives, read_captions, read_vocabulary
from cutaway.naming.probing import open_captions
from cutaway.naming.vocabulary import kinds, shipped


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    return tmp_path


def test_json_lines(pictures: Path) -> None:
    lines = [
        {"image": "a.jpg", "captions": ["a cat ", " "]},
        {"image": "gone.jpg", "captions": ["x"]},
        {"image": "b.jpg"},
    ]
    (pictures / "c.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found, notes = read_captions(pictures / "c.jsonl")
    assert [(each.image.name, each.captions) for each in found] == [("a.jpg", ("a cat",))]
    assert "1 captioned picture(s) missing, such as gone.jpg" in notes[0]
    assert "1 picture(s) without a caption, such as b.jpg" in notes[1]


def test_cocos_annotations(pictures: Path) -> None:
    data = {
        "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}],
        "annotations": [
            {"image_id": 7, "caption": "one"},
            {"image_id": 8, "caption": "two"},
            {"image_id": 7, "caption": "3"},
        ],
    }
    (pictures / "c.json").write_text(json.dumps(data))
    found, notes = read_captions(pictures / "c.json")
    assert [each.captions for each in found] == [("one", "3"), ("two",)]
    assert notes == ()


@pytest.mark.parametrize(
    "text", ["a.jpg#0\tone\na.jpg#1\ttwo\nb.jpg#0\tthree\n", "image,caption\na.jpg,one\na.jpg,two\nb.jpg,three\n"]
)
def test_flickrs_files(text: str, pictures: Path) -> None:
    (pictures / "c.txt").write_text(text)
    found, _ = read_captions(pictures / "c.txt")
    assert [each.captions for each in found] == [("one", "two"), ("three",)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.txt", b"\xff\xfe a", "no UTF-8 text"),
        ("c.jsonl", b"\xff\xfe a", "no UTF-8 text"),
        ("c.txt", b"nothing here", "line 1: no tab and no comma"),
        ("c.json", b"{}", "no caption file of COCO's"),
        ("c.txt", b"gone.jpg#0\tone", "no captioned picture that is there"),
        ("c.txt", b"", "it is empty"),
    ],
)
def test_unusable_files_say_why(name: str, content: bytes, message: str, pictures: Path) -> None:
    (pictures / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_captions(pictures / name)


def test_a_missing_file_says_which_forms_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such file; expected captions as \.jsonl"):
        read_captions(tmp_path / "none.jsonl")


def test_negatives_name_what_a_class_mostly_has() -> None:
    parts = [["antlers", "legs"], ["antlers"], ["legs", "antlers"], ["legs"]]
    found = negatives(parts, ["deer"] * 4)
    assert found == ((), ("a deer without legs",), (), ("a deer without antlers",))


def test_a_data_set_with_captions_is_a_probing_set_too() -> None:
    found, notes = open_captions("partworld:4?seed=7")
    assert notes == ()
    assert {each.label in LABELS and len(each.captions) > 0 for each in found} == {True}
    assert found[0].picture is not None
    assert found[0].source is found[0].picture


def test_a_data_set_without_captions_is_none(pictures: Path) -> None:
    with pytest.raises(DataError, match="has no captions; expected a data set with some"):
        open_captions(f"folder:{pictures}")
    with pytest.raises(DataError, match="no such file; expected captions as"):
        open_captions("partwolrd:4")


def test_lines_that_tell_labels_and_parts_say_what_is_absent(pictures: Path) -> None:
    there = ["antlers", "legs"], ["antlers"], ["legs", "antlers"]
    lines = [
        {"image": f"{i}.jpg", "captions": ["an animal"], "label": "deer", "parts": {part: [1, 1] for part in parts}}
        for i, parts in enumerate(there)
    ]
    for number in range(3):
        Image.new("RGB", (8, 8)).save(pictures / f"{number}.jpg")
    (pictures / "c.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found, notes = read_captions(pictures / "c.jsonl")
    assert [each.captions for each in found] == [("an animal",), ("an animal", "a deer without legs"), ("an animal",)]
    assert {each.label for each in found} == {"deer"}
    assert notes == ("1 caption(s) of absent parts added",)


def test_the_shipped_vocabulary_is_large_and_each_phrase_is_there_once() -> None:
    words = shipped()
    assert len(words) == len(set(words)) > 4900
    assert kinds()["finch"] == ("bird", "animal")
    assert {"red car", "striped wall", "wooden table", "dog in the snow"} <= set(words)


def test_a_vocabulary_file(tmp_path: Path) -> None:
    file = tmp_path / "v.txt"
    file.write_text("red car # a comment\n\nred car\ncat\n")
    assert read_vocabulary(file) == ("red car", "cat")
    for content, message in (
        (b"a" * 10_000, "10,000 characters"),
        (b"# only\n", "without phrases"),
        (b"\xff", "no UTF-8"),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match=message):
            read_vocabulary(file)

"""Lines of JSON: every field, and lines that are wrong or hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cutaway.core.errors import DataError
from cutaway.data.jsonl import open_jsonl


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    Image.new("RGB", (12, 10), "red").save(folder / "a.png")
    mask = Image.new("L", (12, 10))
    mask.paste(255, (0, 0, 4, 10))
    mask.save(folder / "mask.png")
    Image.new("RGB", (12, 10)).save(tmp_path / "secret.png")
    return folder


def write(root: Path, *rows: Any) -> Path:
    file = root / "set.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return file


def test_every_field(root: Path) -> None:
    row = {
        "image": "a.png",
        "captions": ["a wren", "a bird"],
        "label": "wren",
        "mask": "mask.png",
        "parts": {"beak": [1, 2.5]},
        "split": "train",
        "photographer": "me",
    }
    data = open_jsonl(write(root, row, "", {"image": "a.png", "label": "owl"}))
    assert data.labels == ("owl", "wren")
    sample = data[0]
    assert (sample.key, sample.label, sample.captions) == ("a.png", 1, ("a wren", "a bird"))
    assert sample.masks["mask"].sum() == 40
    assert sample.masks["mask"][:, :4].all()
    assert sample.parts == {"beak": (1.0, 2.5)}
    assert sample.extra == {"photographer": "me"}
    assert (data[1].label, data[1].captions, dict(data[1].masks)) == (0, (), {})


def test_only_the_image_is_needed(root: Path) -> None:
    data = open_jsonl(write(root, {"image": "a.png"}))
    assert data.labels == ()
    assert data[0].label is None
    assert data[0].picture.shape == (3, 10, 12)


def test_other_spellings_of_masks_parts_labels_and_captions(root: Path) -> None:
    row = {
        "image": "a.png",
        "mask": {"wing": "mask.png"},
        "parts": [["beak", 1, 2], [7, 3, 4]],
        "label": 10,
        "captions": "a wren",
    }
    data = open_jsonl(write(root, row, {"image": "a.png", "label": 9}))
    assert data.labels == ("9", "10")  # numbers by size
    assert set(data[0].masks) == {"wing"}
    assert data[0].parts == {"beak": (1.0, 2.0), "7": (3.0, 4.0)}
    assert data[0].captions == ("a wren",)


def test_splits(root: Path) -> None:
    file = write(root, {"image": "a.png", "split": "train"}, {"image": "mask.png", "split": "test"})
    assert [sample.key for sample in open_jsonl(file, "test")] == ["mask.png"]
    with pytest.raises(DataError, match='has no split "tst"; expected one of test, train; did you mean "test"'):
        open_jsonl(file, "tst")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", r"set.jsonl, line 2: no JSON \(.* at column 2\); expected one object per line"),
        ("[1, 2]", r'line 2: no "image"; expected an object like \{"image": "path"\}'),
        ({"label": "wren"}, 'line 2: no "image"'),
        (
            {"image": "a.png", "parts": {"beak": [1]}},
            "line 2: a field of the wrong kind .*; expected captions as a list",
        ),
        ({"image": "a.png", "captions": 3}, "line 2: a field of the wrong kind"),
        ({"image": "a.png", "mask": ["mask.png"]}, "line 2: a field of the wrong kind"),
        (
            {"image": "../secret.png"},
            r'line 2: "../secret.png" leads out of the folder of the file; expected a path below',
        ),
        ({"image": "/etc/passwd"}, 'line 2: "/etc/passwd" leads out of the folder'),
        ({"image": "a.png", "mask": "../secret.png"}, 'line 2: "../secret.png" leads out'),
    ],
)
def test_a_wrong_line_is_named_by_its_number(root: Path, line: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_jsonl(write(root, {"image": "a.png"}, line))


def test_a_link_does_not_lead_out_either(root: Path) -> None:
    (root / "link.png").symlink_to(root.parent / "secret.png")
    with pytest.raises(DataError, match="leads out of the folder"):
        open_jsonl(write(root, {"image": "link.png"}))


def test_an_empty_file(root: Path) -> None:
    with pytest.raises(DataError, match=r"holds no lines; expected .* on each; check the file"):
        open_jsonl(write(root))

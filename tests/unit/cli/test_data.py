"""`cutaway data`: the formats, and PartWorld's gallery."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cutaway.cli.data import data
from cutaway.core.errors import CutawayError, OptionError
from cutaway.data.specs import FORMATS


def test_every_format_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    data(None, False, Path("unused"), 7, False)
    printed = capsys.readouterr().out
    assert all(one.example in printed for one in FORMATS.values())
    data("partworld", False, Path("unused"), 7, True)
    assert [row["format"] for row in json.loads(capsys.readouterr().out)["formats"]] == ["partworld"]


def test_the_gallery_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "new" / "page.html"
    data("partworld", True, page, 7, True)
    assert json.loads(capsys.readouterr().out) == {"gallery": str(page)}
    assert "<h1>PartWorld</h1>" in page.read_text()


def test_a_spec_says_what_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    data("partworld:12", False, Path("unused"), 7, False)
    assert capsys.readouterr().out.startswith("12 pictures of 20 classes: daisy, ")
    data("partworld:12", False, Path("unused"), 7, True)
    assert json.loads(capsys.readouterr().out)["pictures"] == 12
    with pytest.raises(CutawayError, match=r"a probability of 1.5; expected 0 to 1; try mark:0.95"):
        data("partworld:12?bias=mark:1.5", False, Path("unused"), 7, False)


def test_bad_input() -> None:
    with pytest.raises(OptionError, match=r'no data format "partwold"; .*; did you mean "partworld"'):
        data("partwold", False, Path("unused"), 7, False)
    with pytest.raises(OptionError, match='no gallery of "folder"; expected partworld'):
        data("folder", True, Path("unused"), 7, False)

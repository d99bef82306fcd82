"""The gallery page: complete, self-contained, repeatable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cutaway.data.partworld import BACKGROUNDS, CLASSES, render
from cutaway.data.partworld.gallery import complete, deciding, lit, write_gallery


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_gallery(tmp_path_factory.mktemp("gallery") / "new" / "gallery.html").read_text()


def test_the_page_shows_everything_and_needs_nothing_else(page: str) -> None:
    for name in (*CLASSES, *BACKGROUNDS):
        assert f"<b>{name}</b>" in page
    sources = re.findall(r'src="([^"]{1,30})', page)
    assert len(sources) > 60
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "http" not in re.sub(r'"data:[^"]*"', "", page)


def test_each_class_has_three_deciding_kinds() -> None:
    assert set(deciding("daisy")) == {("petals", "slender"), ("leaves", "blade"), ("stem", "straight")}
    assert all(len(deciding(label)) == 3 for label in CLASSES)


def test_a_lit_part_keeps_its_own_pixels() -> None:
    scene = complete(1, "pike", "sea")
    rendering = render(scene, 64)
    picture, mask = lit(rendering, "body"), rendering.masks["body"]
    assert (picture[mask] == rendering.picture[mask]).all()
    assert (picture[~mask] != rendering.picture[~mask]).any(axis=-1).mean() > 0.9


def test_writing_leaves_one_file(tmp_path: Path) -> None:
    write_gallery(tmp_path / "gallery.html", seed=3)
    assert [file.name for file in tmp_path.iterdir()] == ["gallery.html"]

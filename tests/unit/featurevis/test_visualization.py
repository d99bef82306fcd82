"""The Visualization: a sheet, files, and how it shows itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cutaway.featurevis import Visualization


def made(names: tuple[str, ...]) -> Visualization:
    count = len(names)
    return Visualization(torch.rand(count, 3, 16, 16), torch.zeros(count), torch.zeros(count, 4), names, ("",) * count)


def test_the_sheet_holds_every_picture() -> None:
    found = made(("a:0", "a:1", "a:2"))
    sheet = found.draw(columns=2)
    assert sheet.shape == (36, 36, 3)
    third = (found.pictures[2].permute(1, 2, 0).numpy() * 255).round()
    np.testing.assert_array_equal(sheet[20:, :16], third)


def test_saves_what_it_shows(tmp_path: Path) -> None:
    found = made(("features.12:31", "class(tabby, tabby cat)"))
    paths = found.save(tmp_path / "out")
    assert [path.name for path in paths] == ["features.12_31.png", "class_tabby__tabby_cat_.png"]
    kept = np.asarray(Image.open(paths[0]))
    np.testing.assert_array_equal(kept, (found.pictures[0].permute(1, 2, 0).numpy() * 255).round())
    assert (tmp_path / "out" / "sheet.png").is_file()


def test_names_that_fall_together_are_numbered(tmp_path: Path) -> None:
    paths = made(("a:0", "a 0", "../..")).save(tmp_path)
    assert [path.name for path in paths] == ["0000_a_0.png", "0001_a_0.png", "0002_.._...png"]
    assert all(path.parent == tmp_path for path in paths)


def test_shows_itself_with_its_names_escaped() -> None:
    assert 'alt="&lt;b&gt;:0"' in made(("<b>:0",))._repr_html_()

"""docs/coming-from.md: the code that it says is ours runs, from top to bottom."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PAGE = Path(__file__).parents[2] / "docs/coming-from.md"
CODE = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the page takes for granted: a photo, and a folder to write into."""
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(photo)
    return {"photo": photo, "folder": tmp_path}


def test_our_code_runs(names):
    assert len(CODE) >= 9
    exec("\n".join(CODE), names)
    assert (names["folder"] / "page" / "index.html").is_file()
    assert (names["folder"] / "grid.png").is_file()
    assert bool(names["found"].converged.all())


@pytest.mark.parametrize(
    ("room", "name"), sorted(set(re.findall(r"\b(attribution|featurevis|blocks)\.(\w+)\(", "\n".join(CODE))))
)
def test_what_it_names_is_public(room, name):
    assert name in importlib.import_module(f"cutaway.{room}").__all__

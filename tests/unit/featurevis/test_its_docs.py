"""docs/featurevis.md: its code runs from top to bottom, and it names every objective and parameterization."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutaway.featurevis import PARAMETERIZATIONS, PRESETS, REGULARIZERS

PAGE = (Path(__file__).parents[3] / "docs" / "featurevis.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_code_runs(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 40, 3), dtype=np.uint8)).save(photo)
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(code) == 4
    names = {"photo": photo, "folder": tmp_path}
    exec("\n".join(code), names)
    assert (tmp_path / "sheet.png").is_file()
    assert (tmp_path / "trials.jsonl").is_file()


@pytest.mark.parametrize("name", [*PARAMETERIZATIONS, *REGULARIZERS, *PRESETS])
def test_every_name_is_there(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


def test_its_pictures_are_there() -> None:
    shown = re.findall(r"\]\((images/[^)]+)\)", PAGE)
    assert len(shown) == 5
    assert all((Path(__file__).parents[3] / "docs" / each).is_file() for each in shown)

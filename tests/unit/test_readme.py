"""The Python example of the README runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.slow
def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(data.cat()).save("photo.jpg")
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    exec(example, {})
    assert (tmp_path / "out" / "photo" / "index.html").is_file()
    assert "label='cat'" in capsys.readouterr().out

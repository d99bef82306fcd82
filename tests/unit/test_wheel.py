"""The wheel holds everything that the program needs, and works outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

JOB = """
import sys
from pathlib import Path
import cutaway as cw
from cutaway.data.partworld import render, sample_scene

assert Path(cw.__file__).is_relative_to(Path.cwd()), cw.__file__
scene = render(sample_scene(0, 6), 128).picture
explanation = cw.explain(cw.load("partworld"), scene, steps=2)
print(explanation.data.target.label, explanation.save("page").name)
"""


@pytest.mark.slow
def test_a_wheel_explains_a_picture_outside_the_checkout(tmp_path: Path) -> None:
    built = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(built, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    installed = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(tmp_path / "site"),
        wheel,
    ]
    subprocess.run(installed, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": ".", "CUTAWAY_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", JOB], cwd=tmp_path / "site", env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["heron", "index.html"], done.stderr
    assert (tmp_path / "site" / "page" / "explanation.json").is_file()

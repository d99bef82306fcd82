"""Any classifier: the sample of twelve that CI runs; evidence/any_classifier.py takes all 128."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_sample_of_twelve_passes() -> None:
    for library in ("torchvision", "timm", "transformers"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"needs {library}")
    script = ROOT / "evidence" / "any_classifier.py"
    run = subprocess.run([sys.executable, script, "--quick"], cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads(run.stdout)
    assert [row for row in found["rows"] if not row["passed"]] == []
    assert len(found["rows"]) == 12

"""The package as a whole: light to import, and every public name is there."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import cutaway

HEAVY = ("fastapi", "ray", "transformers", "matplotlib", "torchvision", "timm", "duckdb", "pyarrow", "scipy", "skimage")


def test_import_is_light() -> None:
    code = f"import sys, cutaway; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there() -> None:
    rooms = [cutaway.__name__, *(m.name for m in pkgutil.walk_packages(cutaway.__path__, "cutaway.") if m.ispkg)]
    for room in rooms:
        module = importlib.import_module(room)
        names = getattr(module, "__all__", [])
        assert sorted(names) == sorted(set(names)), room
        assert [name for name in names if not hasattr(module, name)] == [], room

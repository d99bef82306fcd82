"""A real browser for the page's tests; they are skipped where chromium or playwright is missing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "report"))

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium as the system has it, or the one that `playwright install chromium` fetched."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    installed = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with api.sync_playwright() as playwright:
        path = installed or playwright.chromium.executable_path
        if not Path(path).exists():
            missing = pytest.fail if os.environ.get("CUTAWAY_BROWSER") == "required" else pytest.skip
            missing("needs chromium: install it, or run playwright install chromium")
        opened = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()

"""docs/cli.md is what the program says of itself, and every verb and option says something."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "cli.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_cli", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(script: ModuleType) -> None:
    assert SCRIPT.with_suffix(".md").read_text() == script.page(), "try: python docs/cli.py"


def test_every_verb_and_option_is_explained(script: ModuleType) -> None:
    for name, verb in script.verbs().items():
        assert verb.help, name
        assert [p.name for p in verb.params if p.name != "help" and not p.help] == [], name

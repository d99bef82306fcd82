"""The optional libraries that models come from; where one is not installed its tests are skipped."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torchvision_operators


def _imported(name: str) -> Any:
    torchvision_operators.declare()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own
        return pytest.importorskip(name)


@pytest.fixture(scope="session")
def torchvision() -> Any:
    return _imported("torchvision")


@pytest.fixture(scope="session")
def timm() -> Any:
    return _imported("timm")


@pytest.fixture(scope="session")
def transformers() -> Any:
    found = _imported("transformers")
    found.utils.logging.disable_progress_bar()
    return found

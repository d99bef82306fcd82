"""Every test of this room starts from the same seed, so that the weights and points it draws are the same ones."""

from __future__ import annotations

import pytest
import torch


def pytest_runtest_setup(item: pytest.Item) -> None:
    torch.manual_seed(0)

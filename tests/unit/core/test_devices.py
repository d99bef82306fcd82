"""Devices and precisions: what is there is used, what is not is refused in words."""

from __future__ import annotations

import pytest
import torch

from cutaway.core.devices import autocast, device, fast_bfloat16
from cutaway.core.errors import OptionError


def test_the_cpu_is_the_default() -> None:
    assert device() == device("cpu") == torch.device("cpu")


def test_a_device_that_nobody_has() -> None:
    with pytest.raises(OptionError, match='no device "toaster"; expected cpu, cuda, cuda:N or mps; try cpu'):
        device("toaster")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_this_machine_does_not_have() -> None:
    with pytest.raises(OptionError, match='device "cuda:1" is not available here; expected one of cpu'):
        device("cuda:1")


def test_an_unknown_precision() -> None:
    with pytest.raises(OptionError, match='no precision "half"; expected one of auto, float32, bfloat16'):
        autocast(torch.device("cpu"), "half")


def test_bfloat16_runs_in_bfloat16_and_float32_does_not() -> None:
    x = torch.ones(2, 2)
    with autocast(torch.device("cpu"), "bfloat16"):
        assert (x @ x).dtype == torch.bfloat16
    with autocast(torch.device("cpu"), "float32"):
        assert (x @ x).dtype == torch.float32
    with autocast(torch.device("cpu"), "auto"):
        assert (x @ x).dtype == (torch.bfloat16 if fast_bfloat16("cpu") else torch.float32)

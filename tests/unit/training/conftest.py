"""A CIFAR-10 of a few drawn pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cutaway.core.seeds import generator


@pytest.fixture
def tiny_cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """48 + 48 pictures in binary batches: airplanes are dark, automobiles bright, birds in between, with noise."""
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    draw = generator(0, "pictures")
    for name in ("data_batch_1.bin", "test_batch.bin"):
        labels = torch.arange(48) % 3
        shade = torch.tensor([0, 180, 90])[labels]
        rows = torch.cat([labels[:, None], torch.randint(60, (48, 3072), generator=draw) + shade[:, None]], dim=1)
        (folder / name).write_bytes(rows.to(torch.uint8).numpy().tobytes())
    return f"cifar10:{folder}"

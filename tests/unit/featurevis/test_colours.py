"""The basis of natural colours: what it promises, and the measurement that it rests on."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.featurevis.colours import COVARIANCE, natural_basis, to_rgb


def test_independent_colours_become_correlated_as_in_nature() -> None:
    basis = natural_basis().double()
    shape = basis @ basis.T
    natural = torch.tensor(COVARIANCE, dtype=torch.float64)
    torch.testing.assert_close(shape / shape.trace(), natural / natural.trace(), atol=1e-6, rtol=0)


def test_columns_are_orthogonal_brightness_first() -> None:
    basis = natural_basis()
    lengths = basis.norm(dim=0)
    torch.testing.assert_close(basis.T @ basis, torch.diag(lengths**2), atol=1e-6, rtol=0)
    assert lengths[0] == pytest.approx(1)
    assert lengths[0] > lengths[1] > lengths[2]
    assert (basis[:, 0] > 0.5).all()  # all three channels together: light against dark


def test_to_rgb_mixes_each_pixel_by_itself() -> None:
    colours = torch.randn(2, 3, 4, 5)
    mixed = to_rgb(colours)
    torch.testing.assert_close(mixed[1, :, 2, 3], natural_basis() @ colours[1, :, 2, 3])


def test_grey_pictures_pass_unchanged() -> None:
    grey = torch.randn(2, 1, 4, 4)
    assert to_rgb(grey) is grey


def test_the_covariance_is_that_of_cifar10(shared: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    (path,) = (shared / "data" / "cifar10").glob("train*.parquet")
    rows = next(parquet.ParquetFile(path).iter_batches(3000, columns=["img"])).column(0).to_pylist()
    pixels = np.concatenate([np.asarray(Image.open(io.BytesIO(row["bytes"]))).reshape(-1, 3) for row in rows])
    measured = np.cov(pixels.T / 255.0)
    np.testing.assert_allclose(measured, COVARIANCE, rtol=0.03)  # 3,000 of the 50,000 pictures

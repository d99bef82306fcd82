"""Small networks of every kind that an explanation has to cope with, and a cache of their own."""

from __future__ import annotations

import pytest
import torch
from explained_networks import LABELS, convolutions

from cutaway.explain import Explanation, explain
from cutaway.nets import Model, Preprocess


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def model() -> Model:
    return Model(convolutions(), Preprocess(size=32, mean=(0.5,) * 3, std=(0.25,) * 3), LABELS, name="small")


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def found(picture) -> Explanation:
    """The explanation of a small network, made once for all tests that only look at it."""
    small = Model(convolutions(), Preprocess(size=32, mean=(0.5,) * 3, std=(0.25,) * 3), LABELS, name="small")
    return explain(small, picture, steps=2)

"""The sanity check tells maps that show what a network learned from maps that show the picture."""

from __future__ import annotations

import pytest
import scipy.stats
import torch

from cutaway.attribution import METHODS, Attribution
from cutaway.explain import sanity
from cutaway.explain.sanity import SanityCheck


@pytest.fixture
def pictures(model, picture) -> torch.Tensor:
    return model.prepare(picture)


def edges(forward, inputs, target=None, *, versus=None) -> Attribution:
    """A method that never asks the network: the very thing that the check has to unmask."""
    values = inputs - inputs.mean(dim=(2, 3), keepdim=True)
    return Attribution(values=values, target=torch.tensor([target]), method="edges")


def test_shuffled_weights_keep_their_values_and_lose_their_places(model):
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    shuffled = SanityCheck(model, seed=0).blank.module.state_dict()
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, before[name])  # the network itself is not touched
        assert torch.equal(shuffled[name].flatten().sort().values, value.flatten().sort().values)
    assert not torch.equal(shuffled["0.0.weight"], before["0.0.weight"])
    again = SanityCheck(model, seed=0).blank.module.state_dict()
    assert all(torch.equal(again[name], shuffled[name]) for name in again)


def test_the_figure_is_the_correlation_with_the_shuffled_network_s_map(model, pictures):
    found = METHODS["gradient"](model, pictures, 1)
    check = SanityCheck(model, seed=0)
    other = METHODS["gradient"](check.blank, pictures, 1)
    first, second = (each.values[0].sum(0).abs().flatten().numpy() for each in (found, other))
    result = check(found, pictures, {})
    assert result.correlation == pytest.approx(scipy.stats.spearmanr(first, second).statistic, abs=1e-6)
    assert result.passed == (result.correlation <= result.threshold)


def test_a_method_that_ignores_the_network_fails(model, pictures, monkeypatch):
    monkeypatch.setattr(sanity, "METHODS", {"edges": edges})
    result = SanityCheck(model)(edges(model, pictures, 0), pictures, {})
    assert result.correlation == pytest.approx(1)
    assert not result.passed


def test_the_second_time_it_comes_from_disk(model, pictures, monkeypatch):
    found = METHODS["gradient"](model, pictures, 2)
    first = SanityCheck(model, seed=5)(found, pictures, {})
    monkeypatch.setattr(sanity, "METHODS", {})  # asking again would fail
    assert SanityCheck(model, seed=5)(found, pictures, {}) == first
    with pytest.raises(KeyError):
        SanityCheck(model, seed=6)(found, pictures, {})

"""Neuron groups: their contributions add up, are what a literal derivation says, and what ablation measures."""

from __future__ import annotations

import pytest
import torch
from small_networks import SIZE, TinyViT, pictures, seeded
from torch import nn

from cutaway.blocks import neuron_groups
from cutaway.core.errors import LayerError, OptionError
from cutaway.nets import Model, Preprocess

LAYER = "0.1"


@pytest.fixture
def batch() -> torch.Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def found(model, batch):
    return neuron_groups(model, batch, LAYER, 4, visualize=False)


def hidden(model, batch):
    """The layer's output and the rest of the network, split by hand."""
    body, rest = model.module[0][:2], nn.Sequential(model.module[0][2:], *model.module[1:])
    return body(model.preprocess.normalise(batch)).detach(), rest


def test_contributions_are_the_literal_derivation(model, batch, found):
    """Place by place, channel by channel: gradient of each logit times what the group puts there."""
    values, rest = hidden(model, batch)
    for number, value in enumerate(values):
        point = value[None].clone().requires_grad_()
        for index, score in enumerate(rest(point)[0]):
            gradient = torch.autograd.grad(score, point, retain_graph=True)[0][0]
            for group in range(4):
                expected = 0.0
                for channel in range(8):
                    put = found.maps[number, group] * found.directions[group, channel]
                    expected += float((put * gradient[channel]).sum())
                assert float(found.contributions[number, group, index]) == pytest.approx(expected, rel=1e-4, abs=1e-5)
            assert float(found.linear[number, index]) == pytest.approx(float((gradient * value).sum()), rel=1e-4)


def test_groups_and_rest_add_up_to_the_linear_part(found):
    total = found.contributions.sum(1) + found.rest
    assert torch.allclose(total, found.linear, atol=1e-5 * float(found.linear.abs().max()))
    assert found.contributions.abs().min() > 0
    assert found.rest.abs().max() > 1e-3


def test_what_is_lost_without_a_group_is_measured(model, batch, found):
    values, rest = hidden(model, batch)
    for group in range(4):
        put = found.maps[:, group, None] * found.directions[group][None, :, None, None]
        with torch.no_grad():
            assert torch.allclose(found.without[:, group], rest(values - put), atol=1e-5)
            assert torch.allclose(found.logits, rest(values), atol=1e-5)


def test_below_a_linear_head_the_contributions_are_what_is_measured(model, batch):
    found = neuron_groups(model, batch, "0.3", 3, visualize=False)
    assert torch.allclose(found.contributions, found.measured, atol=1e-5)


def test_groups_and_error_describe_the_activations(model, batch, found):
    values, _ = hidden(model, batch)
    said = torch.einsum("ngrc,gk->nkrc", found.maps, found.directions)
    assert float((values - said).norm() / values.norm()) == pytest.approx(found.error, abs=1e-4)
    assert found.maps.min() >= 0
    assert torch.allclose(found.directions.norm(dim=1), torch.ones(4))
    sizes = found.maps.square().sum(dim=(0, 2, 3)).tolist()
    assert sizes == sorted(sizes, reverse=True)
    assert 0 < found.stability <= 1
    assert found.errors[0] == found.error


@pytest.mark.parametrize("layer", ["patch", "blocks.0"])
def test_tokens_of_no_place_belong_to_the_rest(layer):
    """Groups live on the grid; what the class token adds is in the rest, and everything still adds up."""
    found = neuron_groups(Model(seeded(TinyViT), Preprocess(size=SIZE)), pictures(2), layer, 3, visualize=False)
    assert (found.directions < 0).any(), "tokens are signed, and so are their groups"
    total = found.contributions.sum(1) + found.rest
    assert torch.allclose(total, found.linear, atol=1e-5 * float(found.linear.abs().max()))
    assert found.measured.abs().max() > 1e-4


def test_passes_of_any_size_agree(model, batch, found):
    small = neuron_groups(model, batch, LAYER, 4, visualize=False, batch_size=1)
    assert torch.allclose(small.contributions, found.contributions, atol=1e-5)
    assert torch.allclose(small.without, found.without, atol=1e-5)


def test_the_same_seed_gives_the_same_bits(model, batch, found):
    again = neuron_groups(model, batch, LAYER, 4, seed=0, visualize=False)
    assert torch.equal(found.contributions, again.contributions)
    assert torch.equal(found.without, again.without)
    assert found.errors == again.errors


def test_targets(model, batch, found):
    assert found.target == tuple(found.logits.argmax(1).tolist())
    assert neuron_groups(model, batch, LAYER, 2, target="cat", visualize=False).target == (2, 2, 2)


def test_it_draws_itself(model, picture, tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path))
    found = neuron_groups(model, picture, LAYER, 2, size=16, steps=1)
    assert sorted(found.icons) == [0, 1]
    assert found.draw().shape == (192 + 2 * (96 + 8), 32 + 96 + 96 + 192 + 3 * 8, 3)
    assert found.regions().shape == found.pictures[0].shape
    weights = [abs(weight) for _, weight in found.channels(0, 3)]
    assert weights == sorted(weights, reverse=True)
    assert found.save(tmp_path / "groups.png").stat().st_size > 1000
    assert found._repr_html_().startswith('<img alt="2 neuron groups of 0.1"')


@pytest.mark.parametrize("groups", [0, 9, -1])
def test_more_groups_than_channels(model, picture, groups):
    with pytest.raises(
        OptionError, match=rf"groups is {groups}; expected 1 to 8, as 0\.1 has 8 channels at 256 places"
    ):
        neuron_groups(model, picture, LAYER, groups, visualize=False)


def test_a_silent_layer_has_no_groups(model, picture):
    with torch.no_grad():
        model.module[0][0].bias.fill_(-100)
    with pytest.raises(LayerError, match=r"0\.1 is silent: zero at every place of these pictures"):
        neuron_groups(model, picture, LAYER, 2, visualize=False)


def test_a_layer_that_no_score_depends_on_says_so(picture):
    class Ignores(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen, self.answer = nn.Conv2d(3, 4, 3), nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen(x)
            return self.answer(x.mean(dim=(2, 3)))

    found = neuron_groups(Model(Ignores(), Preprocess(size=32)), picture, "seen", 2, visualize=False)
    assert found.note == "no class score depends on seen, to first order"
    assert found.measured.abs().max() < 1e-6
    assert found.draw().shape[2] == 3

"""Spatial attribution: gradient x activation place by place, and what stands behind it in an earlier layer."""

from __future__ import annotations

import pytest
import torch
from small_networks import SIZE, TinyViT, pictures, seeded
from torch import nn

from cutaway.blocks import spatial_attribution
from cutaway.core.errors import LayerError, OptionError, TargetError
from cutaway.nets import Model, Preprocess


def split(model, picture):
    """Both layers, each computed from the one before, by hand."""
    stem, middle = model.module[0][:2], model.module[0][2:]
    head = model.module[1:]
    low = stem(model.preprocess.normalise(picture[None])).detach().requires_grad_()
    high = middle(low)
    return low, high, head(high)[0]


def test_it_is_gradient_times_activation_summed_over_channels(model, picture):
    _, high, logits = split(model, picture)
    gradient = torch.autograd.grad(logits[1] - logits[3], high)[0]
    found = spatial_attribution(model, picture, "0.3", "bee", versus="dog")
    assert torch.allclose(found.values, (gradient * high)[0].sum(0), atol=1e-6)
    assert (found.target, found.versus, found.through) == (1, 3, None)
    assert found.values.shape == (8, 8)


def test_behind_each_place_is_the_literal_derivation(model, picture):
    """One backward pass per place of the later layer, from its share of the score down to the earlier layer."""
    low, high, logits = split(model, picture)
    pull = torch.autograd.grad(logits[2], high, retain_graph=True)[0]
    found = spatial_attribution(model, picture, "0.3", "cat", source="0.1")
    assert found.through.shape == (8, 8, 16, 16)
    for row, column in [(0, 0), (3, 5), (7, 2)]:
        share = (pull[0, :, row, column] * high[0, :, row, column]).sum()
        gradient = torch.autograd.grad(share, low, retain_graph=True)[0]
        assert torch.allclose(found.through[row, column], (gradient * low)[0].sum(0).detach(), atol=1e-6)


def test_over_all_places_it_adds_up_to_the_sources_own_attribution(model, picture):
    found = spatial_attribution(model, picture, "0.3", "cat", source="0.1")
    own = spatial_attribution(model, picture, "0.1", "cat")
    assert torch.allclose(found.through.sum(dim=(0, 1)), own.values, atol=1e-5)
    assert own.values.abs().max() > 1e-3


def test_blocks_of_places_add_up(model, picture):
    fine = spatial_attribution(model, picture, "0.3", "cat", source="0.1")
    coarse = spatial_attribution(model, picture, "0.3", "cat", source="0.1", cells=3)
    assert coarse.through.shape == (3, 3, 16, 16)
    assert torch.allclose(coarse.through[0, 1], fine.through[:3, 3:6].sum(dim=(0, 1)), atol=1e-5)
    assert coarse.coarse[2, 0] == pytest.approx(float(fine.values[6:, :3].sum()), abs=1e-5)


def test_strength_follows_the_length_of_each_vector(model, picture):
    low, high, _ = split(model, picture)
    found = spatial_attribution(model, picture, "0.3", source="0.1", of="strength")
    assert torch.allclose(found.values, high[0].norm(dim=0), atol=1e-5)
    gradient = torch.autograd.grad(high[0, :, 4, 6].norm(), low)[0]
    assert torch.allclose(found.through[4, 6], (gradient * low)[0].sum(0).detach(), atol=1e-5)


def test_between_blocks_of_tokens():
    """Tokens that belong to no place carry influence too, so here the places do not have to add up."""
    model = Model(seeded(TinyViT), Preprocess(size=SIZE))
    found = spatial_attribution(model, pictures(1), "blocks.0", 1, source="patch")
    assert found.through.shape == (3, 3, 3, 3)
    assert found.through.abs().max() > 0


def test_the_strongest_places_come_first(model, picture):
    found = spatial_attribution(model, picture, "0.3", source="0.1")
    values = [abs(found.coarse[place]) for place in found.strongest(3)]
    assert values == sorted(values, reverse=True)
    assert values[0] == abs(found.coarse).max()


def test_it_draws_itself(model, picture, tmp_path):
    assert spatial_attribution(model, picture, "0.3").draw().shape == (192, 192, 3)
    found = spatial_attribution(model, picture, "0.3", source="0.1")
    assert found.draw(3).shape == (2 * 192 + 8, 4 * 192 + 3 * 8, 3)
    assert "and the places of 0.1 behind them" in found._repr_html_()


def test_a_source_that_does_not_feed_the_layer(model, picture):
    with pytest.raises(LayerError, match=r'"0\.1" does not depend on "0\.3"; .* try layer="0\.3", source="0\.1"'):
        spatial_attribution(model, picture, "0.1", source="0.3")
    with pytest.raises(LayerError, match=r'layer and source are both "0\.3"; expected an earlier layer'):
        spatial_attribution(model, picture, "0.3", source="0.3")


def test_other_mistakes(model, picture):
    with pytest.raises(OptionError, match='of is "class"; expected one of target, strength'):
        spatial_attribution(model, picture, "0.3", of="class")
    with pytest.raises(OptionError, match="cells is 0; expected at least 1"):
        spatial_attribution(model, picture, "0.3", cells=0)
    with pytest.raises(TargetError, match="versus is the target itself"):
        spatial_attribution(model, picture, "0.3", 1, versus=1)
    with pytest.raises(LayerError, match="expected a layer with a grid of places"):
        spatial_attribution(model, picture, "1")


def test_a_layer_that_the_score_does_not_depend_on_says_so(picture):
    class Ignores(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen, self.answer = nn.Conv2d(3, 4, 3), nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen(x)
            return self.answer(x.mean(dim=(2, 3)))

    found = spatial_attribution(Model(Ignores(), Preprocess(size=32)), picture, "seen")
    assert found.note == "no place of seen changes this score, to first order"
    assert found.strongest() == []
    assert found.draw().shape == (192, 192, 3)

"""Channel attribution: the sum over places of gradient x activation, in logits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cutaway.blocks.ablation import ablate_each
from cutaway.blocks.channel_attribution import channel_attribution
from cutaway.core.errors import LayerError, TargetError
from cutaway.nets import Model, Preprocess
from cutaway.trace import edit

LAYER = "0.3"


def test_it_is_the_gradient_times_the_activation_summed_over_places(model, picture):
    """Re-derived by splitting the network by hand."""
    found = channel_attribution(model, picture, "0.1", "bee", "dog", visualize=0)
    body, rest = model.module[0][:2], nn.Sequential(model.module[0][2:], *model.module[1:])
    hidden = body(model.preprocess.normalise(picture[None])).detach().requires_grad_()
    logits = rest(hidden)[0]
    (logits[1] - logits[3]).backward()
    expected = torch.stack([(hidden.grad[0, c] * hidden[0, c]).sum() for c in range(8)])
    assert torch.allclose(found.values, expected.detach(), atol=1e-6)
    assert (found.target, found.versus) == (1, 3)
    assert found.score == pytest.approx(float((logits[1] - logits[3]).detach()), abs=1e-6)
    assert torch.equal(found.activations, hidden[0].detach())


def test_below_a_linear_head_the_estimates_are_what_ablation_measures(model, picture):
    found = channel_attribution(model, picture, LAYER, "cat", "elk", visualize=0)
    without = ablate_each(model, picture, LAYER, range(12))
    measured = found.score - (without[:, 2] - without[:, 4])
    assert torch.allclose(found.values, measured, atol=1e-5)
    assert found.values.abs().max() > 1e-3


def test_tokens_of_no_place_count_too(picture):
    """Ablation silences a channel in the class token as well, so its share belongs to the estimate."""

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Conv2d(3, 6, 8, stride=8)
            self.block = nn.Sequential(nn.Linear(6, 6))
            self.head = nn.Linear(6, 5)
            self.class_token = nn.Parameter(torch.randn(1, 1, 6))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            places = self.embed(pictures).flatten(2).transpose(1, 2)
            tokens = self.block(torch.cat([self.class_token.expand(len(places), -1, -1), places], dim=1))
            return self.head(tokens[:, 0] + 0.5 * tokens[:, 1:].mean(1))

    torch.manual_seed(2)
    tokens = Model(Tokens(), Preprocess(size=32))
    found = channel_attribution(tokens, picture, "block", 1, 3, visualize=0)
    without = ablate_each(tokens, picture, "block", range(6))
    assert torch.allclose(found.values, found.score - (without[:, 1] - without[:, 3]), atol=1e-5)
    assert found.activations.shape == (6, 4, 4)


def test_ablating_many_at_once_equals_one_after_the_other(model, picture):
    together = ablate_each(model, picture, "0.1", [7, 0, 3], batch_size=2)
    for logits, channel in zip(together, [7, 0, 3], strict=True):
        with torch.no_grad(), edit(model, {f"0.1:{channel}": 0.0}):
            alone = model(picture[None])[0]
        assert torch.allclose(logits, alone, atol=1e-6)
    assert ablate_each(model, picture, "0.1", []).shape == (0, 5)
    assert not any(layer._forward_hooks for layer in model.module.modules())


def test_a_channel_that_is_not_there_cannot_be_ablated(model, picture):
    with pytest.raises(LayerError, match=r'no unit "0\.1:8"; expected a channel from 0 to 7'):
        ablate_each(model, picture, "0.1", [8])


def test_the_strongest_are_sorted_and_keep_their_sign(model, picture):
    found = channel_attribution(model, picture, LAYER, visualize=0)
    towards, away = found.strongest(12)
    positive = [value for value in found.values.tolist() if value > 0]
    assert [float(found.values[c]) for c in towards] == sorted(positive, reverse=True)
    assert [float(found.values[c]) for c in away] == sorted(v for v in found.values.tolist() if v < 0)
    assert len(found.strongest(1)[0]) == 1
    assert found.target == int(model(picture[None]).argmax())
    assert found.versus is None


def test_it_draws_itself(model, picture):
    found = channel_attribution(model, picture, LAYER, visualize=0)
    rows = sum(len(side) for side in found.strongest(4))
    assert found.draw().shape == (96 * rows + 8 * (rows - 1), 96 + 8 + 192, 3)
    assert found._repr_html_().startswith("<img alt=")


def test_a_network_without_gradient_there_has_no_channel_that_argues(picture):
    class Ignores(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen = nn.Conv2d(3, 4, 3)
            self.answer = nn.Linear(3, 2)

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            self.seen(pictures)
            return self.answer(pictures.mean(dim=(2, 3)))

    found = channel_attribution(Model(Ignores(), Preprocess(size=32)), picture, "seen", visualize=0)
    assert found.values.tolist() == [0.0] * 4
    assert found.strongest(2) == ([], [])
    assert found.draw().shape == (96, 96, 3)


def test_versus_must_be_another_class(model, picture):
    with pytest.raises(TargetError, match="versus is the target itself, class 1; expected another class"):
        channel_attribution(model, picture, LAYER, "bee", "bee", visualize=0)


def test_it_works_inside_no_grad(model, picture):
    with torch.no_grad():
        found = channel_attribution(model, picture, LAYER, visualize=0)
    assert found.values.abs().sum() > 0

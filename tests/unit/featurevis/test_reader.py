"""Readings against the numbers read by hand; and what does not fit a model."""

from __future__ import annotations

import pytest
import torch
from einops import rearrange
from torch import Tensor, nn

from cutaway.core.errors import LayerError, OptionError, TargetError
from cutaway.featurevis import Objective, batch, class_score, deepdream, direction, neuron, unit, units
from cutaway.featurevis.objectives import as_objective
from cutaway.featurevis.reader import reader
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess
from cutaway.trace import Trace, activations, trace

SHOWN = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def scores(model: Model, objective: Objective) -> Tensor:
    read = reader(model, objective.pictures)
    with torch.no_grad():
        return read(trace(model, SHOWN[: len(objective)], read.layers, logits=read.logits))


def test_every_kind_reads_what_it_says(model: Model) -> None:
    vector = torch.randn(8)
    objective = batch([unit("1:2"), neuron("3:4", 1, 2), direction("3", vector), deepdream("3")])
    seen = activations(model, SHOWN, ["1", "3"])
    expected = [
        seen["1"][0, 2].mean(),
        seen["3"][1, 4, 1, 2],
        sum(vector[c] * seen["3"][2, c].mean() for c in range(8)),
        (seen["3"][3] ** 2).mean(),
    ]
    torch.testing.assert_close(scores(model, objective), torch.stack([torch.as_tensor(e) for e in expected]))


def test_classes_by_label_and_index(model: Model) -> None:
    with torch.no_grad():
        logits = model(SHOWN[:3])
    raw = batch([class_score(label, centred=False) for label in ("bird", 0, "FISH")])
    torch.testing.assert_close(scores(model, raw), logits[[0, 1, 2], [2, 0, 3]])
    centred = batch([class_score(label) for label in ("bird", 0, "FISH")])
    torch.testing.assert_close(scores(model, centred), logits[[0, 1, 2], [2, 0, 3]] - logits.mean(dim=1))


def test_what_raises_all_logits_is_no_evidence_for_a_class(model: Model, module: nn.Sequential) -> None:
    before = scores(model, class_score("dog"))
    with torch.no_grad():
        module[6].bias.add_(5.0)
    torch.testing.assert_close(scores(model, class_score("dog")), before)


def test_classes_that_do_not_exclude_each_other_are_their_logits(module: nn.Sequential) -> None:
    many = Model(module, Preprocess(32), multilabel=True)
    single = Model(nn.Sequential(*module[:6], nn.Linear(8, 1)), Preprocess(32))
    for model in (many, single):
        with torch.no_grad():
            expected = model(SHOWN[:1])[:, 0]
        torch.testing.assert_close(scores(model, class_score(0)), expected)


def test_functions_are_asked_for_no_more_than_they_read(model: Model) -> None:
    def brightest(seen: Trace) -> Tensor:
        return seen["1"][0, 3].amax()

    read = reader(model, as_objective(brightest).pictures)
    assert read.layers == ("1",)
    assert not read.logits
    found = read(trace(model, SHOWN[:1], ["1"], logits=False))
    torch.testing.assert_close(found, activations(model, SHOWN[:1], ["1"])["1"][:, 3].amax(dim=(1, 2)))


def test_functions_may_read_the_logits(model: Model) -> None:
    read = reader(model, as_objective(lambda seen: seen.logits[0, 1]).pictures)
    assert read.logits
    assert read.layers == ()


def test_tokens_lie_on_their_grid(tokens: Model) -> None:
    output = activations(tokens, SHOWN, ["block"])["block"]
    objective = batch([unit("block:3"), neuron("block:3", 2, 1)])
    expected = torch.stack([output[0, 1:, 3].mean(), output[1, 1 + 2 * 4 + 1, 3]])  # the class token is in no place
    torch.testing.assert_close(scores(tokens, objective), expected)


def test_places_that_are_spread_over_the_batch_axis() -> None:
    """Windows of 2 x 2 places as rows of the batch, as Swin has them, beside another layer in one batch."""

    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.mix, self.head = nn.Conv2d(3, 5, 8, stride=8), nn.Linear(5, 6), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            windows = rearrange(self.conv(x), "b c (i h) (j w) -> (b i j) (h w) c", h=2, w=2)
            answer: Tensor = self.head(rearrange(self.mix(windows), "(b n) p c -> b (n p) c", n=4).mean(1))
            return answer

    model = Model(Windows(), Preprocess(32), name="windows")
    seen = activations(model, SHOWN, ["conv", "mix"])
    windows = rearrange(seen["mix"], "(b i j) (h w) c -> b c (i h) (j w)", i=2, j=2, h=2)
    objective = batch([unit("conv:1"), unit("mix:4"), neuron("mix:0", 3, 1), unit("conv:2")])
    expected = torch.stack(
        [seen["conv"][0, 1].mean(), windows[1, 4].mean(), windows[2, 0, 3, 1], seen["conv"][3, 2].mean()]
    )
    torch.testing.assert_close(scores(model, objective), expected)


def test_channels_last_and_plain_vectors() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.mix, self.head = nn.Conv2d(3, 5, 4, stride=4), nn.Linear(5, 7), nn.Linear(7, 3)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.head(self.mix(self.conv(x).permute(0, 2, 3, 1)).mean((1, 2)))
            return answer

    last = Model(Last(), Preprocess(32), name="last")
    seen = activations(last, SHOWN, ["mix", "head"])
    expected = torch.stack([seen["mix"][0, :, :, 6].mean(), seen["head"][1, 2]])
    torch.testing.assert_close(scores(last, units(["mix:6", "head:2"])), expected)


def test_what_does_not_fit(model: Model) -> None:
    expected_errors = {
        unit("3:8"): (LayerError, 'no unit "3:8" in small; expected a channel from 0 to 7 of 3'),
        unit("33:0"): (LayerError, 'no layer "33" in small .*did you mean "3"'),
        direction("3", torch.ones(3)): (LayerError, "a direction of 3 numbers in 3 of small; expected 8"),
        class_score("brid"): (TargetError, 'no class "brid"; expected one of 4 labels; did you mean "bird"'),
        class_score(4): (TargetError, "no class 4; expected an index from 0 to 3"),
    }
    for objective, (kind, message) in expected_errors.items():
        with pytest.raises(kind, match=message):
            reader(model, objective.pictures)
    with pytest.raises(LayerError, match="no place at row 7, column 0; expected rows 0 to 6 and columns 0 to 6"):
        scores(model, neuron("3:0", 7, 0))
    with pytest.raises(
        OptionError, match=r"answered a tensor of shape \(1, 8, 7, 7\); expected a tensor of one number"
    ):
        reader(model, as_objective(lambda seen: seen["3"]).pictures)
    with pytest.raises(LayerError, match='no layer "4x"'):
        reader(model, as_objective(lambda seen: seen["4x"].mean()).pictures)

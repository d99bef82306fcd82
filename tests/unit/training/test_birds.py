"""Prototypes over a frozen encoder, on drawn birds: features, beginnings, training, resuming."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from cutaway.core.errors import DataError
from cutaway.core.seeds import generator
from cutaway.nets import Model, load
from cutaway.nets.preprocess import Preprocess
from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.nets.zoo.squeezenet import Fire
from cutaway.training.bird_features import CUTS, FIELDS, GRID, Encoded, centres, encoded, opened, seen, together, trunk
from cutaway.training.birds import BirdSettings, bird_net, learned, linear_head, principal, scores, solved
from cutaway.whitebox import PrototypeLayer
from cutaway.whitebox.prominence import begin

SETTINGS = BirdSettings(channels=6, per_class=2, epochs=3, batch=6)


def two_each(classes: int) -> PrototypeLayer:
    return PrototypeLayer(6, classes, 2)


class KilledError(Exception):
    """Stands for the process that dies."""


@pytest.fixture
def birds(tmp_path: Path) -> str:
    lines = []
    for number in range(4):
        Image.new("RGB", (40, 60), (60 * number, 90, 200)).save(tmp_path / f"{number}.png")
        split, word = ("train", "test")[number % 2], ("robin", "crow")[number // 2]
        line = {"image": f"{number}.png", "class": word, "split": split, "parts": [[2, 10.0, 30.0]]}
        lines.append(json.dumps(line))
    (tmp_path / "birds.jsonl").write_text("\n".join(lines))
    return f"jsonl:{tmp_path / 'birds.jsonl'}"


def features(seed: int = 0, count: int = 18) -> Encoded:
    """Three classes; each has a blob of its own channels somewhere in the middle."""
    draw = generator(seed, "features")
    values = 0.1 * torch.randn(count, 8, GRID, GRID, generator=draw)
    targets = torch.arange(count) % 3
    for index, target in enumerate(targets.tolist()):
        y, x = torch.randint(4, 9, (2,), generator=draw).tolist()
        values[index, 2 * target : 2 * target + 2, y - 2 : y + 3, x - 2 : x + 3] += 4.0
    return Encoded(values, targets, ({},) * count)


def test_fields_are_those_of_the_layers_that_are_kept() -> None:
    layers = list(load("squeezenet1_1?weights=none").module.get_submodule("features"))
    for depth, cut in CUTS.items():
        field, jump = 1, 1
        for layer in layers[:cut]:
            if isinstance(layer, Fire):
                field += 2 * jump
            elif isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
                field, jump = field + 2 * jump, 2 * jump
        assert FIELDS[depth] == field


def test_features_lie_on_one_grid_and_parts_on_its_scale(birds: str) -> None:
    model = load("squeezenet1_1?weights=none", size=64)
    found = encoded(model, "shallow", birds, "train")
    assert found.features.shape == (2, 128, GRID, GRID)
    assert found.targets.tolist() == [1, 0]  # robin, crow: classes are counted in their alphabetical order
    assert found.parts[0] == {"2": (0.25, 0.5)}
    assert opened(birds, "test")[2] == ("crow", "robin")
    mirrored = encoded(model, "shallow", birds, "train", mirrored=True)
    torch.testing.assert_close(mirrored.features[0], found.features[0], atol=0.5, rtol=0.5)  # plain colours


def test_centres_are_those_of_the_fields_and_the_whole_picture_is_seen() -> None:
    layers = list(load("squeezenet1_1?weights=none").module.get_submodule("features"))
    for depth, cut in CUTS.items():
        first, jump, size = 0.5, 1, 224
        for layer in layers[:cut]:
            if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
                first, jump = first + jump, 2 * jump
                size = math.ceil((size - 3) / 2) + 1 if isinstance(layer, nn.MaxPool2d) else (size - 3) // 2 + 1
        units = [(first + jump * index) / 224 for index in range(size)]
        for place, centre in enumerate(centres(depth).tolist()):
            chosen = units[place * size // GRID : -(-(place + 1) * size // GRID)]
            assert centre == pytest.approx(sum(chosen) / len(chosen))
    model = load("squeezenet1_1?weights=none", size=64)
    picture = torch.zeros(3, 60, 60)
    picture[:, :, :4] = 1.0  # at the border: the usual crop would cut it off
    shown = seen(model, [picture])
    assert shown.shape == (1, 3, 64, 64)
    assert float(shown[0, 0, 32, 0]) > float(shown[0, 0, 32, 32])


def test_prototypes_that_are_not_moved_stay_and_the_head_is_the_best_for_their_likenesses(tmp_path: Path) -> None:
    train = [features(), features(1)]
    net = learned(dataclasses.replace(SETTINGS, epochs=0), train, 0, two_each, tmp_path, report=lambda _: None)
    begun = bird_net(SETTINGS, together(train), two_each(3)).prototypes.values()
    torch.testing.assert_close(net.prototypes.values().detach(), begun.detach())  # they were patches already
    assert all(source is not None for source in net.prototypes.sources)
    assert scores(net, features())["accuracy"] > 0.8
    assert not net.training


def test_the_head_that_is_solved_for_is_the_least_of_its_loss() -> None:
    draw = generator(0, "rows")
    inputs, targets = 3 + torch.tensor([0.1, 1.0, 10.0]) * torch.randn(90, 3, generator=draw), torch.arange(90) % 3
    inputs[:, 0] += 0.05 * targets
    for offsets, classes in ((False, 3), (True, 3), (True, 2)):
        labels = targets.clamp(max=classes - 1)
        head = solved(inputs, labels, 1e-2, offsets)
        assert (head.bias is not None) == offsets
        spread = inputs.std(0)

        def loss(weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
            told = nn.functional.cross_entropy(inputs @ weight.T + (0 if bias is None else bias), labels)  # noqa: B023
            return told + 1e-2 * (weight * spread).square().sum()  # noqa: B023

        best = loss(head.weight, head.bias)
        best.backward()
        assert head.weight.grad is not None
        assert float((head.weight.grad / spread).abs().max()) < 1e-3


def test_other_encoders_and_lines_without_a_class(birds: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the encoder is Sequential; expected squeezenet1_1"):
        trunk(Model(nn.Sequential(nn.Conv2d(3, 4, 1)), Preprocess(8)), "deep")
    (tmp_path / "other.jsonl").write_text('{"image": "0.png", "split": "train"}')
    with pytest.raises(DataError, match='has no class; expected "label" or "class" in each line'):
        opened(f"jsonl:{tmp_path / 'other.jsonl'}", "train")


def test_the_reduction_begins_with_uncorrelated_directions_the_widest_first() -> None:
    reduce = nn.Conv2d(8, 5, 1)
    principal(reduce, features().features)
    with torch.no_grad():
        rows = reduce(features().features).transpose(0, 1).flatten(1)
    covariance = rows @ rows.T / rows.shape[1]
    assert float(covariance[0, 0]) == pytest.approx(1, abs=0.2)  # set by every seventh place
    assert float((covariance - covariance.diagonal().diag()).abs().max()) < 0.2
    assert float(covariance.diagonal().max()) == pytest.approx(1, abs=0.2)


def test_prototypes_begin_as_patches_of_their_own_class() -> None:
    data = features()
    net = bird_net(SETTINGS, data, PrototypeLayer(6, 3, 2))
    assert isinstance(net.prototypes, PrototypeLayer)
    distances = net.prototypes.distances(net.encoder(data.features)).detach()
    for prototype, label in enumerate(net.prototypes.classes_of.tolist()):
        nearest = distances[:, prototype].amin((1, 2))
        assert float(nearest.min()) == pytest.approx(0, abs=1e-4)
        assert int(data.targets[int(nearest.argmin())]) == label


def test_prototypes_begin_among_as_many_patches_and_as_distinct_as_the_settings_say() -> None:
    data = dataclasses.replace(features(), features=torch.randn(18, 8, GRID, GRID, generator=generator(0, "patches")))
    found = []
    for tried, distinct in ((1, 1.0), (10, 1.0), (10, 0.3)):
        settings = dataclasses.replace(SETTINGS, per_class=3, tried=tried, distinct=distinct)
        net = bird_net(settings, data, PrototypeLayer(6, 3, 3))
        expected = PrototypeLayer(6, 3, 3)
        begin(expected, net.encoder(data.features).detach(), data.targets, pool=3 * tried, distinct=distinct)
        torch.testing.assert_close(net.prototypes.values(), expected.values())
        found.append(expected.values().detach())
    assert not torch.allclose(found[0], found[1])  # what is tried matters
    assert not torch.allclose(found[1], found[2])  # and so does what is too like another


def test_a_killed_run_that_resumes_ends_with_the_same_weights(tmp_path: Path) -> None:
    def run(folder: Path, resume: bool = False, report: Any = lambda _: None) -> PrototypeNet:
        return learned(SETTINGS, [features()], 0, two_each, folder, resume, report)

    def dies(line: str) -> None:
        if line.startswith("epoch 2"):
            raise KilledError

    whole = run(tmp_path / "whole")
    with pytest.raises(KilledError):
        run(tmp_path / "killed", report=dies)
    lines: list[str] = []
    resumed = run(tmp_path / "killed", resume=True, report=lines.append)
    assert [line.split()[:2] for line in lines] == [["epoch", "3"]]  # it went on, rather than beginning anew
    pairs = zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_prototypes_that_are_moved_learn_and_become_patches(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=13, rate=0.02)
    net = learned(settings, [features()], 0, two_each, tmp_path, report=lambda _: None)
    assert scores(net, features())["accuracy"] > 0.8
    for prototype, source in enumerate(net.prototypes.sources):
        assert source is not None
        shown = net.encoder(features().features[source.picture : source.picture + 1])
        torch.testing.assert_close(
            net.prototypes.patch(shown, prototype, source.place), net.prototypes.values()[prototype]
        )


def test_a_linear_head_reads_what_the_mean_of_all_places_knows() -> None:
    head = linear_head([features()])
    assert scores(head, features()) == {"accuracy": 1.0, "n": 18}

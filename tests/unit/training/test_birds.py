"""Prototypes over a frozen encoder, on drawn birds: features, beginnings, training, resuming."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
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
from cutaway.training.bird_features import CUTS, FIELDS, GRID, Encoded, centres, encoded, opened, seen, trunk
from cutaway.training.birds import BirdSettings, bird_net, bird_task, linear_head, principal, scores
from cutaway.training.loop import fit
from cutaway.whitebox import PrototypeLayer

SETTINGS = BirdSettings(channels=6, per_class=2, epochs=4, last=2, batch=6)


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


def test_settled_prototypes_stay_and_the_head_learns_from_their_likenesses(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=20, last=20)
    job = bird_task(settings, [features(), features(1)], 0, lambda classes: PrototypeLayer(6, classes, 2))
    assert isinstance(job.module, PrototypeNet)
    before = job.module.prototypes.values().detach().clone()
    shapes = [batch[0].shape for batch in job.batches(0)]
    assert shapes == [(6, 6)] * 3  # likenesses to six prototypes, and no features
    fit(job, tmp_path, report=lambda _: None)
    torch.testing.assert_close(job.module.prototypes.values().detach(), before)  # they were patches already
    assert all(source is not None for source in job.module.prototypes.sources)
    assert scores(job.module, features())["accuracy"] > 0.8


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


def test_a_killed_run_that_resumes_ends_with_the_same_weights(tmp_path: Path) -> None:
    def job() -> Any:
        return bird_task(SETTINGS, [features()], 0, lambda classes: PrototypeLayer(6, classes, 2))

    whole, killed, resumed = job(), job(), job()
    fit(whole, tmp_path / "whole", report=lambda _: None)

    def batches(epoch: int) -> Iterator[Any]:
        if epoch == 3:
            raise KilledError
        yield from killed.batches(epoch)

    with pytest.raises(KilledError):
        fit(dataclasses.replace(killed, batches=batches), tmp_path / "killed", report=lambda _: None)
    fit(resumed, tmp_path / "killed", resume=True, report=lambda _: None)
    pairs = zip(whole.module.state_dict().values(), resumed.module.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_what_each_class_has(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=16, last=3, rate=0.02)
    job = bird_task(settings, [features()], 0, lambda classes: PrototypeLayer(6, classes, 2))
    fit(job, tmp_path, report=lambda _: None)
    assert scores(job.module, features())["accuracy"] > 0.8


def test_a_linear_head_reads_what_the_mean_of_all_places_knows() -> None:
    head = linear_head([features()])
    assert scores(head, features()) == {"accuracy": 1.0, "n": 18}

"""Every CIFAR-10 recipe on drawn pictures: it learns, says what it is, and a killed run ends with the same weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from cutaway.core.errors import DataError, OptionError, WeightsError
from cutaway.core.seeds import generator
from cutaway.nets.load import load
from cutaway.nets.zoo.gumbel_net import gumbel_net
from cutaway.nets.zoo.prototype_net import PrototypeNet
from cutaway.nets.zoo.smooth_convnet import in_integers, smooth_convnet
from cutaway.training.cifar import Settings, as_shown, entropy, optimizers
from cutaway.training.loop import Task, fit
from cutaway.training.muon import Muon
from cutaway.training.pictures import covered
from cutaway.training.recipe import configure
from cutaway.training.recipes import RECIPES, recipe
from cutaway.training.recipes.gumbel import choosing
from cutaway.training.teachers import teacher_of
from cutaway.whitebox import GumbelConv2d

OWN = [name for name in RECIPES if name not in ("partworld", "cifar10")]
CLASSES = '["airplane", "automobile"]'
SMALL: dict[str, list[str]] = {
    "airbench": ["widths=[8, 8, 8]"],
    "adversarial": ["widths=[8, 8]"],
    "clear": ["widths=[8, 8]", "start="],
    "clear-noise": ["steps=3", "draws=2", "looked=5", "told=20"],
    "bias-free": ["widths=[8, 8]"],
    "gumbel": ["widths=[8, 8]"],
    "two-layers": ["filters=8", "units=4", "augment=noise"],
    "shallow": ["widths=[8, 8]", 'kernels=["perspective", "positive"]', "augment=jiggle"],
    "buckets": ["widths=[4, 4]", "backbones=2"],
    "positive": ["filters=8", "units=8", "cases=2"],
    "bagnet": ["widths=[8, 8]"],
    "bcos": ["widths=[6, 6]", "start="],
    "protopnet": ["last=1", "per_class=2"],
    "deformable-prototypes": ["last=1", "per_class=2"],
}


class KilledError(Exception):
    """Stands for the process that dies in the middle of an epoch."""


def small_task(name: str, data: str, seed: int = 0) -> Task[Any]:
    found = recipe(name)
    settings = [f"classes={CLASSES}", "epochs=3", "batch=16", "shift=1", *SMALL.get(name, [])]
    if name == "clear-noise":
        begun = Path(data.removeprefix("cifar10:")) / "begun.safetensors"
        save_file(small_task("clear", data).module.state_dict(), begun)
        settings += [f"start={begun}"]
    return found.task(configure(found.config, settings), data, seed, torch.device("cpu"))


def dying(task: Task[Any], epoch: int) -> Task[Any]:
    """The task, whose second batch of an epoch is the end of it."""

    def batches(number: int) -> Iterator[Any]:
        whole: Iterable[Any] = task.batches(number)
        for step, batch in enumerate(whole):
            if (number, step) == (epoch, 1):
                raise KilledError
            yield batch

    return dataclasses.replace(task, batches=batches)


@pytest.mark.parametrize("name", OWN)
def test_a_killed_run_that_resumes_ends_with_the_same_weights(name: str, tiny_cifar: str, tmp_path: Path) -> None:
    undisturbed, killed, resumed = (small_task(name, tiny_cifar) for _ in range(3))
    fit(undisturbed, tmp_path / "whole", report=lambda _: None)
    with pytest.raises(KilledError):
        fit(dying(killed, 2), tmp_path / "killed", report=lambda _: None)
    torch.manual_seed(77)  # the caller's own stream must not matter
    fit(resumed, tmp_path / "killed", resume=True, report=lambda _: None)
    pairs = zip(undisturbed.module.state_dict().items(), resumed.module.state_dict().items(), strict=True)
    assert all(left == right and torch.equal(a, b) for (left, a), (right, b) in pairs)


@pytest.mark.parametrize("name", OWN)
def test_a_recipe_says_what_it_is(name: str) -> None:
    found = recipe(name)
    assert found.name == name
    assert found.claim.endswith(".")
    assert found.data.startswith("cifar10:")
    assert issubclass(found.config, Settings)


def test_other_seeds_are_other_networks(tiny_cifar: str) -> None:
    first, second = (small_task("bias-free", tiny_cifar, seed).module.get_parameter("head.weight") for seed in (0, 1))
    assert not torch.equal(first, second)


def test_what_is_plain_to_see_is_learned_and_scored_on_the_test_set(tiny_cifar: str, tmp_path: Path) -> None:
    found = recipe("bias-free")
    config = configure(found.config, ["batch=16", "shift=1", "epochs=6", "widths=[8, 8]", f"classes={CLASSES}"])
    task = found.task(config, tiny_cifar, 0, torch.device("cpu"))
    fit(task, tmp_path, report=lambda _: None)
    scores = found.test(config, task.module, tiny_cifar, torch.device("cpu"))
    assert scores == {"accuracy": scores["accuracy"], "n": 32, "test_set": True}
    assert scores["accuracy"] > 0.9


def test_every_parameter_that_learns_has_one_optimizer() -> None:
    network = gumbel_net(4, (8, 8), (1, 0), whitening=4)
    found = optimizers(Settings(), network, choosing(network))
    owned = [id(p) for optimizer in found for group in optimizer.param_groups for p in group["params"]]
    assert sorted(owned) == sorted(id(p) for p in network.parameters() if p.requires_grad)
    assert isinstance(found[0], Muon)
    assert [tuple(p.shape) for p in found[0].param_groups[0]["params"]] == [(8, 8, 3, 3)]  # the plain convolution's


def test_a_teacher_shares_in_the_labels_with_what_it_holds_of_the_classes_that_are_learned() -> None:
    config = Settings(classes=("airplane", "ship"), smoothing=0.2)
    teacher = teacher_of("cifar10", config, torch.device("cpu"))
    pictures, targets = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(2)), torch.tensor([0, 1, 1])
    held = load("cifar10").module(pictures)[:, [0, 8]].softmax(1)
    torch.testing.assert_close(teacher(pictures), held, rtol=0.05, atol=0.01)  # where tiles are, at their precision
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2))
    logs = network(pictures).log_softmax(1)
    hard = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])  # smoothed: a tenth for each of both classes
    expected = -((0.7 * hard + 0.3 * teacher(pictures)) * logs).sum(1).mean()
    torch.testing.assert_close(entropy(config, teacher, 0.3)(network, pictures, targets), expected, rtol=0.02, atol=0.0)
    torch.testing.assert_close(
        entropy(config)(network, pictures, targets), -(hard * logs).sum(1).mean(), rtol=0.02, atol=0.0
    )


def test_a_teacher_that_does_not_know_the_classes_is_an_error() -> None:
    with pytest.raises(OptionError, match='"cifar10" knows no heron, kite; expected a network that knows all classes'):
        teacher_of("cifar10", Settings(classes=("kite", "ship", "heron")), torch.device("cpu"))


def test_gumbel_choices_cool_evenly_and_are_made_before_the_end(tiny_cifar: str) -> None:
    found = recipe("gumbel")
    settings = [f"classes={CLASSES}", "epochs=4", "batch=16", "shift=1", "widths=[8, 8]", "noise=1.0"]
    task = found.task(configure(found.config, settings), tiny_cifar, 0, torch.device("cpu"))
    first, second = (layer for layer in task.module.modules() if isinstance(layer, GumbelConv2d))
    seen = []
    for epoch in range(4):
        for _ in task.batches(epoch):
            seen.append((first.tau, first.noise, first.settled))
            assert second.tau == first.tau
    assert len(seen) == 4 * task.steps
    half = len(seen) // 2
    assert seen[0] == (1.0, 1.0, False)
    assert seen[half // 2] == (pytest.approx(0.1**0.5), pytest.approx(0.5), False)
    assert seen[half:] == [(pytest.approx(0.1), 0.0, True)] * half


@pytest.mark.parametrize("name", ["protopnet", "deformable-prototypes"])
def test_in_the_last_epochs_prototypes_are_patches_and_the_head_alone_learns(
    name: str, tiny_cifar: str, tmp_path: Path
) -> None:
    task = small_task(name, tiny_cifar)
    net = task.module
    assert isinstance(net, PrototypeNet)
    net.eval()
    next(iter(task.batches(2)))
    assert all(source is not None and source.label == label for source, label in zip_sources(net))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    fit(dataclasses.replace(task, epochs=3, batches=lambda _: task.batches(2)), tmp_path, report=lambda _: None)
    changed = {key for key, value in net.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {"head.weight"}


def zip_sources(net: PrototypeNet) -> Iterator[tuple[Any, int]]:
    return zip(net.prototypes.sources, net.prototypes.classes_of.tolist(), strict=True)


def test_training_can_begin_from_another_network_s_weights(tiny_cifar: str) -> None:
    shipped = load("cifar10").module
    for name in ("adversarial", "clear"):
        found = recipe(name)
        config = configure(found.config, ["batch=8", "start=cifar10"])
        module = found.task(config, tiny_cifar, 0, torch.device("cpu")).module
        if name == "clear":
            in_integers(shipped)  # gates that only decide
        own = module.get_submodule("gates").state_dict() if name == "clear" else module.state_dict()
        assert all(torch.equal(value, shipped.state_dict()[key]) for key, value in own.items())
        assert torch.equal(module.get_parameter("head.weight"), shipped.get_parameter("head.weight"))


@pytest.mark.parametrize("name", ["airbench", "adversarial", "bcos", "clear"])
def test_training_can_begin_from_a_run_s_own_weights(tiny_cifar: str, tmp_path: Path, name: str) -> None:
    settings = [f"classes={CLASSES}", "batch=8", "shift=1", "widths=[8, 8]"]
    found, first = recipe(name), recipe("cifar10" if name == "clear" else name)
    drawn = configure(first.config, [*settings, "start="])
    begun = first.task(drawn, tiny_cifar, 3, torch.device("cpu")).module
    if name == "clear":
        in_integers(begun)  # gates that only decide are in whole numbers
    before = begun.state_dict()
    save_file({key: value.contiguous() for key, value in before.items()}, tmp_path / "weights.safetensors")
    config = configure(found.config, [*settings, f"start={tmp_path / 'weights.safetensors'}"])
    module = found.task(config, tiny_cifar, 0, torch.device("cpu")).module
    after = (module.get_submodule("gates") if name == "clear" else module).state_dict()
    filters = {key: value for key, value in after.items() if value.ndim == 4}
    assert len(filters) > 4
    assert all(torch.equal(value, before[key]) for key, value in filters.items())
    with pytest.raises(WeightsError, match="no such file; expected weights"):
        found.task(configure(found.config, [*settings, "start=none.pt"]), tiny_cifar, 0, torch.device("cpu"))
    (tmp_path / "notes.md").write_text("no weights")
    with pytest.raises(WeightsError, match=r"is no weights file by its name; expected \.safetensors"):
        found.task(
            configure(found.config, [*settings, f"start={tmp_path / 'notes.md'}"]), tiny_cifar, 0, torch.device("cpu")
        )


def test_pictures_can_be_shown_at_contrast_one(tiny_cifar: str) -> None:
    found = recipe("cifar10")
    settings = [f"classes={CLASSES}", "batch=8", "shift=1", "widths=[8, 8]", "even=true"]
    config = configure(found.config, settings)
    pictures, _ = next(iter(found.task(config, tiny_cifar, 0, torch.device("cpu")).batches(0)))
    torch.testing.assert_close(pictures.square().mean((1, 2, 3)), torch.ones(8))
    network, dim = smooth_convnet(2, (8, 8)).eval(), 0.1 * pictures
    told = as_shown(config, network)(dim)  # in the test, too
    torch.testing.assert_close(told, 0.1 * network(pictures))
    assert as_shown(Settings(), network) is network


def test_a_square_of_every_picture_is_covered_at_its_own_place(tiny_cifar: str) -> None:
    pictures = torch.ones(40, 3, 8, 8)
    found = covered(pictures, 3, generator(0, "covered"))
    gone = found == 0
    assert torch.equal(gone.sum((1, 2, 3)), torch.full((40,), 27))
    places = {tuple(each[0].nonzero()[0].tolist()) for each in gone}
    assert len(places) > 15
    assert max(max(place) for place in places) == 5  # squares lie within the picture
    for each in gone:
        y, x = each[0].nonzero()[0].tolist()
        assert bool(each[:, y : y + 3, x : x + 3].all())
    found_task = recipe("airbench")
    shapes = []
    for cutout in (0, 12):
        settings = [f"classes={CLASSES}", "batch=8", "shift=1", f"cutout={cutout}", *SMALL["airbench"]]
        config = configure(found_task.config, settings)
        batch = next(iter(found_task.task(config, tiny_cifar, 0, torch.device("cpu")).batches(0)))
        shapes.append(int((batch[0] == 0).sum((1, 2, 3)).min()))
    assert shapes[0] < 3 * 12 * 12 <= shapes[1]
    with pytest.raises(OptionError, match=r'cutout is "33"; .* less than or equal to 32'):
        configure(found_task.config, ["cutout=33"])


def test_a_bcos_network_begins_with_the_filters_alone(tiny_cifar: str) -> None:
    shipped = load("cifar10").module.state_dict()
    found = recipe("bcos")
    module = found.task(configure(found.config, ["batch=8"]), tiny_cifar, 0, torch.device("cpu")).module
    for key, value in module.state_dict().items():
        if value.ndim == 4:
            assert torch.equal(value.flatten(), shipped[key].flatten())
    assert torch.equal(module.get_parameter("stage1.norm1.weight"), torch.ones(64))


@pytest.mark.parametrize("name", ["adversarial", "bcos"])
def test_weights_of_another_shape_are_no_beginning(tiny_cifar: str, name: str) -> None:
    found = recipe(name)
    config = configure(found.config, ["batch=8", "start=cifar10", "widths=[8, 8]"])
    with pytest.raises(WeightsError, match=r'"cifar10" has no stage1.conv1.weight of shape \(8, 32, 3, 3\); expected'):
        found.task(config, tiny_cifar, 0, torch.device("cpu"))


@pytest.mark.parametrize("name", ["cifar10", "airbench", "clear", "bias-free", "adversarial", "bcos", "gumbel"])
@pytest.mark.parametrize("setting", ["widths=[]", "widths=[8, 0, 8]", "widths=[8, -3]", "epochs=0"])
def test_a_network_without_channels_or_without_training_is_refused(name: str, setting: str) -> None:
    with pytest.raises(OptionError, match=f"{setting.partition('=')[0]} is .*; .* should"):
        configure(recipe(name).config, [setting])


def test_classes_that_are_not_there(tiny_cifar: str) -> None:
    found = recipe("bias-free")
    for classes, error, message in [
        ('["airplane", "ship"]', DataError, 'class "ship" has no pictures in the train split; expected at least one'),
        ('["airplane", "aeroplane"]', OptionError, 'no class "aeroplane"'),
        ('["airplane"]', OptionError, "classes are airplane; expected at least two different ones"),
        ('["bird", "bird"]', OptionError, "classes are bird, bird; expected at least two different ones"),
    ]:
        config = configure(found.config, [f"classes={classes}", "batch=8"])
        with pytest.raises(error, match=message):
            found.task(config, tiny_cifar, 0, torch.device("cpu"))


def test_two_of_three_classes_are_counted_in_the_order_given(tiny_cifar: str) -> None:
    found = recipe("bagnet")
    config = configure(found.config, ['classes=["bird", "airplane"]', "batch=16", "shift=1"])
    task = found.task(config, tiny_cifar, 0, torch.device("cpu"))
    shades = {0: 90 + 30, 1: 30}
    for pictures, targets in task.batches(0):
        grey = (pictures[:, 0] * 0.2470 + 0.4914).mean((1, 2)) * 255
        assert grey.tolist() == pytest.approx([shades[target] for target in targets.tolist()], abs=5)

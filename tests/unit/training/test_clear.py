"""Recipes `clear` and `clear-noise` on drawn pictures: what learns, what stays, what a judge makes of a head."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import cutaway as cw
from cutaway.core.errors import OptionError, WeightsError
from cutaway.metrics.noise import class_slopes, noise, shown
from cutaway.training.cifar import Settings
from cutaway.training.kept_evidence import FLOOR, Along, by_place, found_on, heard
from cutaway.training.loop import Task, fit
from cutaway.training.pictures import PREPROCESS
from cutaway.training.recipe import configure
from cutaway.training.recipes import recipe
from cutaway.training.recipes.clear_noise import AS_SEEN, class_pictures, counting_places, unrecognised
from cutaway.training.teachers import answers_of
from cutaway.whitebox import weights_held

CPU = torch.device("cpu")
CLASSES = '["airplane", "automobile"]'


def task_of(name: str, data: str, *settings: str, seed: int = 0) -> Task[tuple[torch.Tensor, torch.Tensor]]:
    found = recipe(name)
    widths = () if name == "clear-noise" else ("widths=[8, 8]",)  # which are those of its network
    small = (f"classes={CLASSES}", "batch=16", "shift=1", *widths, *settings)
    return found.task(configure(found.config, small), data, seed, CPU)


def saved(module: nn.Module, path: Path) -> Path:
    save_file({key: value.contiguous() for key, value in module.state_dict().items()}, path)
    return path


def changed(task: Task[tuple[torch.Tensor, torch.Tensor]], folder: Path) -> set[str]:
    """What a training moves."""
    before = {key: value.clone() for key, value in task.module.state_dict().items()}
    fit(task, folder, report=lambda _: None)
    return {key for key, value in task.module.state_dict().items() if not torch.equal(value, before[key])}


def test_clear_learns_its_values_under_gates_and_advisers_that_stay(tiny_cifar: str, tmp_path: Path) -> None:
    gates = saved(task_of("cifar10", tiny_cifar).module, tmp_path / "gates.safetensors")
    other = saved(task_of("cifar10", tiny_cifar, "widths=[6, 10]", seed=1).module, tmp_path / "other.safetensors")
    box = saved(task_of("airbench", tiny_cifar, seed=2).module, tmp_path / "box.safetensors")
    task = task_of("clear", tiny_cifar, "epochs=1", f"start={gates}", f'advisers=["{other}", "{box}"]')
    moved = changed(task, tmp_path / "run")
    assert {key.split(".")[0] for key in moved} == {"values", "head"}
    assert task.module.get_parameter("advisers.0.stage2.conv2.weight").shape[0] == 10
    assert task.module.get_parameter("advisers.1.stage1.conv1.weight").abs().max() == 127


def test_from_nothing_gates_and_their_answer_learn_too(tiny_cifar: str, tmp_path: Path) -> None:
    moved = changed(task_of("clear", tiny_cifar, "epochs=1", "start="), tmp_path / "run")
    assert {"gates.head.weight", "gates.stage1.conv1.weight", "values.layer1.conv.weight", "head.weight"} <= moved


def test_a_head_learns_what_its_judge_asks_for_on_noise_and_nothing_else_moves(tiny_cifar: str, tmp_path: Path) -> None:
    start = saved(task_of("clear", tiny_cifar, "start=", "strength=1").module, tmp_path / "begun.safetensors")
    asked = ("draws=4", "looked=8", "told=32", "kept=0.1", "plain_rate=0.05", f"start={start}", "steps=60")
    task = task_of("clear-noise", tiny_cifar, *asked)
    judge = answers_of("cifar10", Settings(classes=("airplane", "automobile")), CPU)

    @torch.no_grad()
    def lacking() -> float:
        torch.manual_seed(5)
        with torch.enable_grad():
            drawn = noise(AS_SEEN, 8, seed=7)  # other noise than it learns from
            pictures = class_pictures(task.module, drawn).detach()  # type: ignore[arg-type]
        return sum(float(unrecognised(pictures, judge, 0.5)) for _ in range(20)) / 20

    before = lacking()
    assert changed(task, tmp_path / "run") == {"head.weight"}
    assert lacking() < 0.9 * before


def test_class_pictures_are_those_of_the_noise_test(tiny_cifar: str) -> None:
    network = task_of("clear", tiny_cifar, "start=", "strength=1").module.eval()
    found = class_pictures(network, noise(AS_SEEN, 4, seed=3)).detach()  # type: ignore[arg-type]
    model = cw.Model(network, PREPROCESS)
    slopes = class_slopes(model, 2, draws=4, seed=3).mean(1)
    torch.testing.assert_close(found, PREPROCESS.normalise(shown(model, slopes)), atol=1e-4, rtol=1e-4)


def test_evidence_on_real_pictures_is_that_of_single_channels(tiny_cifar: str, tmp_path: Path) -> None:
    start = saved(task_of("clear", tiny_cifar, "start=", "strength=0").module, tmp_path / "begun.safetensors")
    config = configure(recipe("clear-noise").config, [f"classes={CLASSES}", "places=2", f"start={start}"])
    network = counting_places(config).eval()
    picture = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    with weights_held(network):
        openings, _ = network.gating(picture.detach() / picture.detach().square().mean().sqrt())
        channels = network.summed(picture, openings)[0, :, 0, 0]
    slopes = [torch.autograd.grad(each, picture, retain_graph=True)[0] for each in channels]
    evidence = torch.stack([(each * picture.detach()).sum(1).flatten() for each in slopes])
    found = found_on(network, picture.detach())
    moments = evidence @ evidence.T
    floor = FLOOR * moments.diagonal().mean() * torch.eye(len(moments))
    torch.testing.assert_close(found, moments + floor, atol=1e-4 * float(moments.max()), rtol=1e-3)


def test_a_step_along_coordinates_is_adam_s_there() -> None:
    torch.manual_seed(0)
    root = torch.randn(3, 3)
    shares, head, wanted = root @ root.T + torch.eye(3), torch.nn.Parameter(torch.randn(2, 6)), torch.randn(2, 6)
    begun, stepping = head.detach().clone(), Along(head, root @ root.T + torch.eye(3), 0.1)
    sizes, directions = torch.linalg.eigh(shares)
    along = directions / sizes.sqrt()
    there = torch.zeros(2, 6, requires_grad=True)
    adam = torch.optim.Adam([there], 0.1)
    for _ in range(3):
        adam.zero_grad()
        (begun + by_place(there, along.T) - wanted).square().sum().backward()
        adam.step()
        (head - wanted).square().sum().backward()
        stepping.step()
    torch.testing.assert_close(head.detach(), begun + by_place(there.detach(), along.T))
    coordinates = by_place((head - begun).detach(), torch.linalg.inv(along).T)
    torch.testing.assert_close(heard(by_place(coordinates, along.T), shares), coordinates.square().sum(1).mean())


def test_a_head_is_asked_of_a_clear_network_alone(tiny_cifar: str, tmp_path: Path) -> None:
    box = saved(task_of("cifar10", tiny_cifar).module, tmp_path / "box.safetensors")
    with pytest.raises(WeightsError, match="has no gating stream; expected weights of a clear network; try clear"):
        task_of("clear-noise", tiny_cifar, f"start={box}")
    begun = saved(task_of("clear", tiny_cifar, "start=").module, tmp_path / "begun.safetensors")
    asked = task_of("clear-noise", tiny_cifar, f"start={begun}", "places=2", "looked=4", "told=8")
    grid = saved(asked.module, tmp_path / "grid.safetensors")
    with pytest.raises(OptionError, match=r"places is 3, but the head of .* counts a grid of 2 x 2; .* try places=2"):
        task_of("clear-noise", tiny_cifar, f"start={grid}", "places=3", "looked=4", "told=8")
    with pytest.raises(WeightsError, match=r"has no \S+ of shape"):
        task_of("clear-noise", tiny_cifar, "start=clear")  # which knows ten classes
    with pytest.raises(OptionError, match="places is"):
        configure(recipe("clear-noise").config, ["places=1"])
    with pytest.raises(OptionError, match="judges is"):
        configure(recipe("clear-noise").config, ["judges=[]"])

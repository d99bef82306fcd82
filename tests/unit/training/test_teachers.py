"""Teachers: their labels taken literally, for mixtures and for whole pictures; and which networks can teach."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from cutaway.core.errors import WeightsError
from cutaway.nets.zoo.smooth_convnet import smooth_convnet
from cutaway.training.cifar import Settings
from cutaway.training.loop import fit
from cutaway.training.recipe import configure
from cutaway.training.recipes import recipe
from cutaway.training.teachers import answers_of, taught

CPU = torch.device("cpu")
PAIR = Settings(classes=("airplane", "automobile"), smoothing=0.2)


def stored(path: Path, classes: int = 2, widths: tuple[int, ...] = (6, 8)) -> tuple[nn.Module, str]:
    with torch.random.fork_rng():
        torch.manual_seed(widths[0])
        network = smooth_convnet(classes, widths)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)
    return network.eval(), str(path)


class Remembering(nn.Module):
    """Any network, and what it was shown."""

    seen: Tensor

    def forward(self, pictures: Tensor) -> Tensor:
        self.seen = pictures
        return pictures.mean((2, 3))[:, :2]


@pytest.mark.parametrize("even", [False, True])
def test_labels_are_what_teachers_hold_together(tmp_path: Path, even: bool) -> None:
    (first, one), (second, two) = (
        stored(tmp_path / "one.safetensors"),
        stored(tmp_path / "two.safetensors", widths=(7, 5, 4)),
    )
    pictures, targets, student = torch.randn(6, 3, 16, 16), torch.tensor([0, 1, 0, 1, 1, 0]), Remembering()
    config = Settings(classes=PAIR.classes, smoothing=0.2, even=even)
    found = taught(config, [one, two], CPU)(student, pictures, targets)
    seen = student.seen
    torch.testing.assert_close(seen[3:], pictures[3:])
    for number, other in enumerate([2, 0, 1]):  # each of the first half with the one before
        basis = torch.stack([pictures[number].flatten(), pictures[other].flatten()], 1)
        share = torch.linalg.lstsq(basis, seen[number].flatten()[:, None]).solution[:, 0]
        torch.testing.assert_close(basis @ share, seen[number].flatten(), atol=1e-4, rtol=1e-4)
        assert share[0] >= share[1] >= 0
        size = seen[number].square().mean().sqrt() if even else share.sum()
        torch.testing.assert_close(size, torch.tensor(1.0), atol=1e-4, rtol=1e-4)
    product = (first(seen).softmax(1) * second(seen).softmax(1)).sqrt()
    held = product / product.sum(1, keepdim=True)
    told = torch.full((6, 2), 0.1).scatter(1, targets[:, None], 0.9)
    labels = torch.cat([held[:3], 0.8 * held[3:] + 0.2 * told[3:]])
    torch.testing.assert_close(found, -(labels * student(seen).log_softmax(1)).sum(1).mean())


def test_a_network_learns_from_runs_alone(tiny_cifar: str, tmp_path: Path) -> None:
    _, name = stored(tmp_path / "teacher.safetensors")
    settings = ['classes=["airplane", "automobile"]', "batch=16", "shift=1", "epochs=1", "widths=[8, 8]"]
    found = recipe("cifar10")
    task = found.task(configure(found.config, [*settings, f'teachers=["{name}"]']), tiny_cifar, 0, CPU)
    before = task.module.get_parameter("head.weight").detach().clone()
    fit(task, tmp_path / "run", report=lambda _: None)
    assert not torch.equal(task.module.get_parameter("head.weight"), before)


def test_a_teacher_of_other_classes_or_of_another_make_is_told(tmp_path: Path) -> None:
    _, ten = stored(tmp_path / "ten.safetensors", classes=10)
    with pytest.raises(WeightsError, match=r'ten.safetensors" has no head.weight of shape \(2, 8\); expected'):
        answers_of(ten, PAIR, CPU)
    save_file({"other": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r'other.safetensors" has no stem.whiten.weight of shape .*; expected'):
        answers_of(str(tmp_path / "other.safetensors"), PAIR, CPU)

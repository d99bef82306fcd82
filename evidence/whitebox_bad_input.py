"""Bad input to white-box layers, prototypes and recipes: what was given, and the one line that comes back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from _evidence import report

from cutaway.core.errors import CutawayError
from cutaway.training.recipe import configure
from cutaway.training.recipes import recipe
from cutaway.whitebox import (
    BcosConv2d,
    DirectionalPool2d,
    GroupMean,
    GumbelConv2d,
    PositiveConv2d,
    PrototypeLayer,
    SoftMaxPool,
)
from cutaway.whitebox.projection import project
from cutaway.whitebox.prototype_losses import cluster

MAPS, CLASSES = torch.randn(2, 8, 4, 4), torch.tensor([0, 1])


def trained(data: str, *settings: str) -> None:
    """The first batch of `bias-free` with some settings."""
    found = recipe("bias-free")
    next(iter(found.task(configure(found.config, ["batch=8", *settings]), data, 0, torch.device("cpu")).batches(0)))


def cifar10(folder: Path, labels: torch.Tensor) -> str:
    """CIFAR-10 in binary batches, with the labels that are wanted."""
    folder.mkdir()
    for name in ("data_batch_1.bin", "test_batch.bin"):
        rows = torch.cat([labels[:, None], torch.randint(255, (len(labels), 3072))], dim=1).to(torch.uint8)
        (folder / name).write_bytes(rows.numpy().tobytes())
    return f"cifar10:{folder}"


def cases(two: str, wrong: str) -> list[tuple[str, Callable[[], object]]]:
    """(what is given, the call); `two` has airplanes and automobiles alone, `wrong` a label 12."""
    negative = {"weight": -torch.ones(4, 8, 3, 3)}
    layer, labels = PrototypeLayer(8, 3), torch.tensor([0, 3])
    return [
        ("groups that do not divide the channels, SoftMaxPool", lambda: SoftMaxPool(3)(MAPS)),
        ("groups that do not divide the channels, GroupMean", lambda: GroupMean(5)(MAPS)),
        ("channels that four directions do not divide", lambda: DirectionalPool2d()(MAPS[:, :6])),
        ("temperature 0, SoftMaxPool", lambda: SoftMaxPool(2, temperature=0)),
        ("temperature below 0, Gumbel convolution", lambda: GumbelConv2d(8, 4, 3, tau=-1.0)),
        ("more channels chosen than there are", lambda: GumbelConv2d(8, 4, 3, top_k=9)),
        ("negative weights loaded into a positive layer", lambda: PositiveConv2d(8, 4, 3).load_state_dict(negative)),
        ("B-cos with B below 1", lambda: BcosConv2d(8, 4, 3, b=0.5)),
        ("a class without pictures, projection", lambda: project(layer, torch.nn.Identity(), [(MAPS, CLASSES)])),
        ("a class without prototypes, pruning", lambda: layer.prune(layer.classes_of > 0)),
        ("labels out of range, prototype losses", lambda: cluster(torch.rand(2, 15), labels, layer.classes_of)),
        ("labels out of range, data", lambda: trained(wrong)),
        ("a class without pictures, training", lambda: trained(two, 'classes=["airplane", "ship"]')),
        ("a class that CIFAR-10 does not have", lambda: trained(two, 'classes=["airplane", "lorry"]')),
        ("one class", lambda: trained(two, 'classes=["airplane"]')),
        ("a setting that the recipe does not have", lambda: trained(two, "width=[8, 8]")),
        ("a setting of the wrong kind", lambda: trained(two, "length=far")),
        ("more pictures held out than there are", lambda: trained(two, "holdout=64")),
    ]


def answered(call: Callable[[], object]) -> tuple[bool, str]:
    """Whether one line for the user came back, and the line."""
    try:
        call()
    except CutawayError as error:
        line = str(error)
        return "\n" not in line and ";" in line, f"{type(error).__name__}: {line}"
    except Exception as error:  # a fault of ours is a row of the table
        return False, f"{type(error).__name__}: {error}"
    return False, "no error"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CUTAWAY_CACHE"] = f"{folder}/cache"
        two = cifar10(Path(folder, "two"), torch.arange(64) % 2)
        wrong = cifar10(Path(folder, "wrong"), torch.where(torch.arange(64) == 9, 12, 1))
        rows = []
        for given, call in cases(two, wrong):
            clear, line = answered(call)
            rows.append({"given": given, "clear error": clear, "what comes back": line.replace(folder, "FOLDER")})
    claim = "Bad input to white-box layers and recipes: an error that says what was given, expected, and what to try"
    report("whitebox_bad_input", claim, rows, all(row["clear error"] for row in rows), len(rows))


if __name__ == "__main__":
    main()

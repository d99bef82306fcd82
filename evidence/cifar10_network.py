"""The shipped CIFAR-10 network and our own architectures with public weights: accuracy, size, parameters."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from _evidence import QUICK, SHARED, report, wilson
from torch import Tensor

from cutaway.data.specs import open_dataset
from cutaway.nets import Model, load
from cutaway.nets.zoo import ZOO

MOST_BYTES, LEAST_ACCURACY = 2_000_000, 0.92


def cifar10_row(spec: str, note: str, n: int) -> dict[str, object]:
    """Accuracy on the first n test pictures, in float32, one pass over each, as it stands."""
    model = load(spec)
    data = open_dataset(f"cifar10:{SHARED / 'data' / 'cifar10'}?split=test")
    right = 0
    for start in range(0, n, 250):
        samples = [data[index] for index in range(start, min(start + 250, n))]
        right += correct(model, torch.stack([s.picture for s in samples]), [s.label or 0 for s in samples])
    return row(model, spec, f"CIFAR-10 test, {note}", right, n)


def photographs_row(n: int) -> dict[str, object]:
    """SqueezeNet on the photographs, each named after its WordNet id; resize 256, centre crop 224."""
    weights = SHARED / "models" / "squeezenet1_1_imagenet.safetensors"
    model = load("squeezenet1_1", weights=weights, labels=SHARED / "data" / "imagenet_labels.json")
    classes = json.loads((SHARED / "data" / "imagenet_labels.json").read_text())
    index = {one["wnid"]: one["index"] for one in classes}
    data = open_dataset(f"folder:{SHARED / 'data' / 'photos'}")
    right = 0
    for number in range(n):
        sample = data[number]
        right += correct(model, model.prepare(sample.picture), [index[sample.key.split("_")[0]]])
    return row(model, f"squeezenet1_1@{weights.name}", "photographs, resize 256, centre crop 224", right, n)


@torch.no_grad()
def correct(model: Model, pictures: Tensor, targets: list[int]) -> int:
    return int((model(pictures).argmax(dim=1) == torch.tensor(targets)).sum())


def row(model: Model, network: str, pictures: str, right: int, n: int) -> dict[str, object]:
    low, high = wilson(right, n)
    return {
        "network": network.replace(str(SHARED), "../shared"),
        "pictures": pictures,
        "n": n,
        "accuracy": round(right / n, 4),
        "interval": [round(low, 4), round(high, 4)],
        "parameters": sum(p.numel() for p in model.module.parameters()),
    }


def main() -> None:
    n, photographs = (1000, 100) if QUICK else (10_000, 500)
    shipped = cifar10_row("cifar10", "no test-time augmentation", n)
    weights = ZOO["cifar10"].weights
    assert isinstance(weights, Path)
    shipped["bytes"] = weights.stat().st_size
    resnet = cifar10_row(f"resnet20@{SHARED / 'models' / 'resnet20_cifar10.safetensors'}", "public weights", n)
    squeezenet = photographs_row(photographs)
    rows = [shipped, resnet, squeezenet]
    reached = shipped["interval"][1] if QUICK else shipped["accuracy"]  # few pictures only rule out what is far below
    passed = reached >= LEAST_ACCURACY and shipped["bytes"] <= MOST_BYTES
    if not QUICK:  # what the weights' origin says of them, on the same pictures
        passed = passed and abs(resnet["accuracy"] - 0.917) <= 0.002 and abs(squeezenet["accuracy"] - 0.592) <= 0.006
    report(
        "cifar10_network",
        "the shipped CIFAR-10 network: at least 92 % of the test set without test-time augmentation, at most 2 MB; "
        "our own architectures score what their public weights are known for",
        rows,
        passed,
        n=n,
    )


if __name__ == "__main__":
    main()

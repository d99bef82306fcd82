"""Names in real networks: SqueezeNet on photographs with human captions, and last layers whose truth is their class."""

from __future__ import annotations

import sys

import numpy as np
import torch
from _detectors import pictures_of
from _evidence import QUICK, ROOT, SHARED, report, wilson

import cutaway as cw
from cutaway.data.partworld import LABELS, PartWorld, captions
from cutaway.data.specs import open_dataset
from cutaway.metrics.names import simulated_correlation
from cutaway.naming import fit_coupling, name_units, open_encoder, read_captions
from cutaway.naming.layers import layer_activations, unit_labels, untrained_activations
from cutaway.naming.page import write_page

LAYER, CERTAIN = "features.12", 30
PHOTOS, CIFAR, WORLD = (120, 200, 200) if QUICK else (700, 1000, 1000)
PAGE = ROOT / "out" / "names-squeezenet.html"  # beside the project: the photographs are not ours to give away


def main() -> None:
    named, certain = squeezenet()
    rows = [named, cifar(), partworld(), *certain]
    claim = "Real networks: SqueezeNet's channels on human captions; last layers get their own class"
    report("naming_real", claim, rows, all(row.get("shown", True) for row in rows), PHOTOS)


def squeezenet() -> tuple[dict[str, object], list[dict[str, object]]]:
    """Named on three quarters of the photographs, checked on the last quarter; then the most certain names."""
    weights = SHARED / "models" / "squeezenet1_1_imagenet.safetensors"
    model = cw.load("squeezenet1_1", weights=weights, labels=SHARED / "data" / "imagenet_labels.json")
    told = read_captions(SHARED / "data" / "captions" / "captions.jsonl")[0][:PHOTOS]
    batches = [model.prepare([each.image for each in told[k : k + 50]]) for k in range(0, len(told), 50)]
    fired = layer_activations(model, batches, [LAYER])
    control = untrained_activations(model, batches, [LAYER])
    order = np.random.default_rng(0).permutation(len(told))
    used, apart = np.sort(order[len(told) // 4 :]), np.sort(order[: len(told) // 4])
    encoder = open_encoder("shipped")
    coupling = fit_coupling(fired[used], [told[i].captions for i in used], encoder, control=control[used])
    names = name_units(coupling, units=unit_labels(model, [LAYER]))
    named = [i for i, unit in enumerate(names) if not unit.abstained]
    held = fit_coupling(fired[apart], [told[i].captions for i in apart], encoder, method="correlation")
    value = None
    if named:
        seen = held.evidence([names[i].text for i in named]).seen
        value = simulated_correlation(seen.astype(np.float64), held.activations[:, named].astype(np.float64))
    if not QUICK:
        write_page(names, [told[i].image for i in used], PAGE, f"SqueezeNet 1.1, {LAYER}", most=30)
    row = {"network": f"SqueezeNet 1.1, {LAYER}", "pictures": len(told), "named": f"{len(named)} of {len(names)}"}
    row |= {"held-out correlation": value.value, "interval": list(value.interval)} if value else {}
    certain = sorted(named, key=lambda i: -names[i].names[0].score)[:CERTAIN]
    return row, [
        {"network": names[i].unit, "name": names[i].text, "correlation": names[i].names[0].score}
        | {"fires most on": ", ".join(told[used[k]].image.stem for k in names[i].fires[:3])}
        for i in certain
    ]


def cifar() -> dict[str, object]:
    """Label-templated captions: "a photo of a cat" for every picture of a cat, and nothing else."""
    data = open_dataset(f"cifar10:{SHARED / 'data' / 'cifar10'}?split=test")
    model = cw.load("cifar10")
    samples = [data[i] for i in range(CIFAR)]
    fired = scores(model, torch.stack([sample.picture for sample in samples]))
    told = [f"a photo of a {data.labels[sample.label or 0]}" for sample in samples]
    return classes("cifar10, last layer, captions made from labels", fired, told, data.labels, 0.9)


def partworld() -> dict[str, object]:
    world = PartWorld(WORLD, 77, "test")
    scenes = [world.scene(i) for i in range(WORLD)]
    fired = scores(cw.load("partworld"), pictures_of(scenes).float() / 255)
    return classes("partworld, last layer", fired, [captions(s, i) for i, s in enumerate(scenes)], LABELS, 0.95)


def scores(model: cw.Model, pictures: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return torch.cat([model(some) for some in pictures.split(250)]).numpy()


def classes(what: str, fired: np.ndarray, told: list, labels: tuple[str, ...], asked: float) -> dict[str, object]:
    """How many units of the last layer get the name of their own class, out of the whole vocabulary."""
    from cutaway.naming.vocabulary import shipped

    phrases = list(dict.fromkeys([*shipped(), *labels]))
    names = name_units(fit_coupling(fired, told, open_encoder("shipped"), method="correlation"), phrases)
    right = sum(unit.text == label for unit, label in zip(names, labels, strict=True))
    share = right / len(labels)
    row = {"network": what, "pictures": len(told), "own class": f"{right} of {len(labels)}"}
    return row | {"interval": list(wilson(right, len(labels))), "shown": share >= asked}


if __name__ == "__main__":
    sys.exit(main())

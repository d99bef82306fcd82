"""PartWorld networks that were led astray, trained for evidence: half a minute each, kept in the cache of the package.

"mark": the mark in a corner goes with the class in 95 of 100 pictures. "background": the background does. "fair": marks
and backgrounds say nothing about the class. All else is equal: pictures, order, network, rates. Marks are drawn 12
pixels wide; at PartWorld's own 7 pixels a network trained like this pays them no heed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from _evidence import QUICK
from safetensors.torch import load_file, save_file
from torch import Tensor

import cutaway as cw
from cutaway.core.cache import folder, hash_tensors, key, write_atomically
from cutaway.core.devices import autocast
from cutaway.core.seeds import generator
from cutaway.data.partworld import LABELS, Bias, Scene, biased, render, sample_scene, stream
from cutaway.data.partworld.bias import mark
from cutaway.data.partworld.scene import Thing
from cutaway.nets.zoo.partworld import partworld_net
from cutaway.training.loop import Task, fit
from cutaway.training.muon import Muon
from cutaway.training.recipes.partworld import normalised, varied

PROBABILITY, WIDTH, INWARD = 0.95, 1.7, 0.15
PICTURES, EPOCHS, BATCH = (500, 2, 125) if QUICK else (4_000, 6, 250)


@dataclass(frozen=True)
class Kind:
    """One of the worlds, and what goes with the class in it."""

    name: str
    mark: float
    background: float

    def scene(self, seed: int, index: int, split: str = "train") -> Scene:
        """A scene of this world; every one has a mark in it."""
        scene = sample_scene(seed, index, split)
        scene = biased(scene, Bias("background", self.background), seed, index) if self.background else scene
        return large(biased(scene, Bias("mark", self.mark or 1 / len(LABELS)), seed, index))


KINDS = {kind.name: kind for kind in (Kind("fair", 0, 0), Kind("mark", 0.95, 0), Kind("background", 0, 0.95))}


def large(scene: Scene) -> Scene:
    """The scene with its mark at the size that it has here."""
    return replace(scene, things=tuple(_large(each) if each.role == "mark" else each for each in scene.things))


def marked(scene: Scene, label: str, corner: int) -> Scene:
    """The scene with the mark of a class in a corner."""
    return replace(scene, things=(*scene.things, _large(mark(label, corner))))


def network(name: str) -> cw.Model:
    """The network of a world, trained where it is not in the cache; a killed training goes on where it stopped."""
    kind = KINDS[name]
    question = {"kind": name, "pictures": PICTURES, "epochs": EPOCHS, "world": _world(kind), "torch": torch.__version__}
    place = folder() / "evidence" / key(question)
    weights = place / "weights.safetensors"
    module = partworld_net(len(LABELS))
    if not weights.exists():
        trained = _task(kind)
        fit(trained, place, resume=True, report=lambda line: None)
        write_atomically(weights, lambda beside: save_file(trained.module.state_dict(), beside))
    module.load_state_dict(load_file(weights))
    preprocess = cw.Preprocess(64, mean=(0.5,) * 3, std=(0.25,) * 3)
    return cw.Model(module.eval(), preprocess, LABELS, name=f"partworld, {name}")


def pictures_of(scenes: Sequence[Scene]) -> Tensor:
    """The scenes as a batch in [0, 1]."""
    drawn = np.stack([render(scene, 64).picture for scene in scenes])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 255


def _large(thing: Thing) -> Thing:
    place = thing.place
    x, y = (INWARD if along < 0.5 else 1 - INWARD for along in (place.x, place.y))
    return replace(thing, place=replace(place, x=x, y=y, scale=max(place.scale, WIDTH)))


def _world(kind: Kind) -> str:
    """A hash of how the world looks today: another one needs another network."""
    return hash_tensors({"pictures": pictures_of([kind.scene(1, index) for index in range(len(LABELS))])})


def _picture(kind: Kind, index: int) -> np.ndarray:
    return np.ascontiguousarray(render(kind.scene(1, index), 64).picture)


def _task(kind: Kind) -> Task[tuple[Tensor, Tensor]]:
    drawn = stream(partial(_picture, kind), PICTURES, workers=0 if QUICK else 2)
    pictures = torch.from_numpy(np.stack(list(drawn))).permute(0, 3, 1, 2)
    targets = torch.arange(PICTURES) % len(LABELS)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = partworld_net(len(LABELS))

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        draw = generator(0, "biased", epoch)
        for chosen in torch.randperm(PICTURES, generator=draw).split(BATCH)[: PICTURES // BATCH]:
            yield normalised(varied(pictures[chosen], 3, draw)), targets[chosen]

    def loss(batch: tuple[Tensor, Tensor]) -> Tensor:
        with autocast(torch.device("cpu")):
            logits = module(batch[0])
        return F.cross_entropy(logits.float(), batch[1], label_smoothing=0.1)

    filters = [p for p in module.parameters() if p.ndim == 4]
    rest = [p for p in module.parameters() if p.ndim < 4]
    return Task(
        module=module,
        optimizers=[Muon(filters, 0.1, 0.6), torch.optim.SGD(rest, 0.05, 0.85, nesterov=True)],
        batches=batches,
        loss=loss,
        schedule=lambda progress: min(progress / 0.1, (1 - progress) / 0.9),
        score=dict,
        epochs=EPOCHS,
        steps=PICTURES // BATCH,
        seed=0,
    )

"""Captioned pictures and counterfactual pairs for guiding: what the shipped PartWorld network makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from _detectors import pictures_of, truths
from _evidence import QUICK

import cutaway as cw
from cutaway.core.cache import hash_tensors, remember
from cutaway.data.partworld import CLASSES, LABELS, PartWorld, Scene, captions, sample_scene, without_part
from cutaway.data.partworld.scene import walk
from cutaway.training.recipes.partworld import normalised

COUNT, PAIRS = (3_000, 20) if QUICK else (12_000, 60)
LAYERS = ("stage2.act2", "stage3.act2")
REMOVABLE = {
    "flower": ("leaves", "stem"),
    "bird": ("tail", "legs", "beak", "wing"),
    "fish": ("tail", "dorsal", "fin", "snout"),
    "vehicle": ("wheels", "cab", "load"),
    "building": ("tower", "roof", "windows", "door"),
}
# Class, the part it must have, another part of it. Chosen on seed 21, out of 68, where captions teach the part well.
RULES = (
    ("daisy", "leaves", "stem"),
    ("wagtail", "tail", "legs"),
    ("heron", "tail", "legs"),
    ("heron", "legs", "tail"),
    ("tern", "tail", "legs"),
    ("tern", "legs", "tail"),
    ("shark", "tail", "dorsal"),
    ("pike", "tail", "dorsal"),
    ("swordfish", "tail", "dorsal"),
    ("truck", "wheels", "load"),
    ("tractor", "wheels", "load"),
    ("van", "wheels", "load"),
    ("church", "tower", "roof"),
    ("church", "windows", "roof"),
    ("castle", "tower", "roof"),
    ("factory", "roof", "tower"),
)


@dataclass(frozen=True)
class Captured:
    """Channel means of the layers side by side, scores, labels, captions and parts of captioned pictures."""

    features: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    captions: list[tuple[str, ...]]
    parts: list[frozenset[str]]
    truth: np.ndarray


def captured(seed: int) -> Captured:
    """Captioned pictures of a world in which every second thing lacks a part."""
    scenes = [lacking(PartWorld(COUNT, seed).scene(i), seed, i) for i in range(COUNT)]
    means, logits = through(scenes, f"captioned {seed}")
    labels = np.array([LABELS.index(scene.label) for scene in scenes])
    told = [captions(scene, i) for i, scene in enumerate(scenes)]
    return Captured(means, logits, labels, told, list(map(parts_of, scenes)), truths(scenes))


def pairs(seed: int, rule: tuple[str, str, str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fresh pictures of a rule's class: whole, without the part, without another part."""
    label, part, other = rule
    whole: list[Scene] = []
    index = 0
    while len(whole) < PAIRS:
        scene = sample_scene(seed + 7000, index, "test", label)
        index += 1
        if {part, other} <= parts_of(scene):
            whole.append(scene)
    cases = {"whole": whole, "without": [bare(s, part) for s in whole], "other": [bare(s, other) for s in whole]}
    return {case: through(scenes, f"{case} {rule} {seed}") for case, scenes in cases.items()}


def through(scenes: list[Scene], what: str) -> tuple[np.ndarray, np.ndarray]:
    """Channel means of the layers and the scores, kept from run to run."""
    network = cw.load("partworld").module

    def run() -> dict[str, torch.Tensor]:
        means, scores = [], []
        with torch.no_grad():
            for some in pictures_of(scenes).split(250):
                second = network.stage2(network.stage1(network.stem(normalised(some))))
                third = network.stage3(second)
                means.append(torch.cat([second.mean((2, 3)), third.mean((2, 3))], dim=1))
                scores.append(network.head(third.mean((2, 3))))
        return {"means": torch.cat(means), "logits": torch.cat(scores)}

    question = {"what": what, "n": len(scenes), "weights": hash_tensors(network.state_dict()), "version": 2}
    kept = remember("evidence-guiding", question, run)
    return kept["means"].numpy(), kept["logits"].numpy()


def lacking(scene: Scene, seed: int, index: int) -> Scene:
    """The scene, or in every second case without one of the parts that rules are about."""
    draw = np.random.default_rng((seed, index, 5))
    there = [part for part in REMOVABLE[CLASSES[scene.label].family] if part in parts_of(scene)]
    return bare(scene, str(draw.choice(there))) if there and draw.random() < 0.6 else scene


def bare(scene: Scene, part: str) -> Scene:
    """The scene without a part, by its name."""
    return without_part(scene, next(path for path, found in walk(scene.whole.parts) if found.name == part))


def parts_of(scene: Scene) -> frozenset[str]:
    """The names of the parts that are there."""
    return frozenset(part.name for _, part in walk(scene.whole.parts))

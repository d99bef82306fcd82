"""A project from PartWorld, in which every mask is known: pictures of a few classes, and the truth as labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from cutaway.construct import data, rle
from cutaway.construct.data import Entry, Label
from cutaway.construct.ontology import Node, Ontology, of
from cutaway.construct.project import write_probes
from cutaway.core.errors import DataError, suggestion
from cutaway.data.dataset import Sample
from cutaway.data.partworld import CLASSES, LABELS, PartWorld, Scene
from cutaway.data.partworld.classes import PartPlan
from cutaway.data.partworld.scene import walk

COUNTS = {"train": 2000, "val": 500, "test": 600}
SOURCE = "mask-file"


@dataclass(frozen=True)
class Shown:
    """One picture of a world: its entry, its sample and its scene."""

    entry: Entry
    sample: Sample
    scene: Scene


def family_of(family: str) -> tuple[str, ...]:
    """The classes of a family. Raises DataError for a family that PartWorld has not."""
    found = tuple(name for name, plan in CLASSES.items() if plan.family == family)
    if not found:
        families = sorted({plan.family for plan in CLASSES.values()})
        raise DataError(f'no family "{family}"; expected one of {", ".join(families)}{suggestion(family, families)}')
    return found


def shown(labels: Sequence[str], counts: Mapping[str, int], seed: int, size: int) -> Iterator[Shown]:
    """The pictures of some classes, split by split; a picture's origin says how to draw it again."""
    wanted = [LABELS.index(label) for label in labels]
    for split, count in counts.items():
        need = -(-count // len(wanted)) * len(LABELS)
        world = PartWorld(need, seed, split, size)
        spec = f"partworld:{need}?seed={seed}&split={split}&size={size}"
        places = [index for index in range(need) if index % len(LABELS) in wanted][:count]
        for index in places:
            sample = world[index]
            entry = Entry(data.fingerprint(sample.picture), split, f"{spec}#{index}")
            yield Shown(entry, sample, world.scene(index))


def deciding(labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The parts and kinds that tell the classes apart: those that not all of them have."""
    kinds = [set(_kinds(label)) for label in labels]
    shared = set.intersection(*kinds)
    return tuple(sorted({kind for each in kinds for kind in each if kind not in shared}))


def _kinds(label: str) -> list[tuple[str, str]]:
    def inner(parts: Sequence[PartPlan]) -> Iterator[tuple[str, str]]:
        for part in parts:
            if part.kind is not None:
                yield part.name, part.kind
            yield from inner(part.parts)

    return list(inner(CLASSES[label].parts))


def node_id(part: str, kind: str) -> str:
    """The id of a kind of part: what it looks like, then what it is."""
    return f"{kind}_{part}"


def hand_made(labels: Sequence[str]) -> Ontology:
    """The two-level tree that a person who knows the world would write down: classes over kinds of parts."""
    found = deciding(labels)
    parts = [Node(node_id(*each), "part", f"{each[0]} that are {each[1]}") for each in found]
    classes = [
        Node(label, "class", f"a {label}", all_of=tuple(node_id(*kind) for kind in found if kind in _kinds(label)))
        for label in labels
    ]
    return of([*parts, *classes])


def masks_of(one: Shown, nodes: Sequence[Node]) -> dict[str, Bool[np.ndarray, "height width"]]:
    """Where each node shows in a picture, also on what lies about or in front; a class is its whole object."""
    side = one.sample.picture.shape[-1]
    found = {node.id: np.zeros((side, side), dtype=bool) for node in nodes}
    if one.scene.label in found:
        found[one.scene.label] |= one.sample.masks["whole"]
    for thing in one.scene.things:
        for path, part in walk(thing.parts):
            key = path if thing.role == "object" else thing.name
            name = node_id(part.name, part.kind or "")
            if name in found and key in one.sample.masks:
                found[name] |= one.sample.masks[key]
    return found


def write_world(
    root: Path, nodes: Sequence[Node], labels: Sequence[str], counts: Mapping[str, int], seed: int, size: int
) -> dict[str, tuple[str, ...]]:
    """Write manifest, probes and the labels of some nodes; returns the training pictures that show each node."""
    entries: list[Entry] = []
    known: dict[str, list[Label]] = {node.id: [] for node in nodes}
    evidence: dict[str, list[str]] = {node.id: [] for node in nodes}
    for one in shown(labels, counts, seed, size):
        entries.append(one.entry)
        for name, mask in masks_of(one, nodes).items():
            known[name].append(Label(one.entry.sha256, rle.encode(mask), SOURCE))
            if mask.any() and one.entry.split == "train":
                evidence[name].append(one.entry.sha256)
    data.write_manifest(entries, root)
    write_probes(tuple(entries), root)
    for name, lines in known.items():
        data.write_labels(lines, name, root)
    return {name: tuple(pictures[:8]) for name, pictures in evidence.items()}

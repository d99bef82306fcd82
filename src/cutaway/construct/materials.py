"""What nodes learn from and are scored on: all pictures of a project at one size, with the masks of every node."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from torch import Tensor

from cutaway.construct import data, rle
from cutaway.construct.lessons import Lesson
from cutaway.construct.ontology import Ontology, check_id
from cutaway.construct.project import Project
from cutaway.core.cache import remember
from cutaway.core.errors import ProjectError

LEAST = 0.003
"""The share of a picture below which it cannot be said that a part is there: 12 pixels of 64 x 64."""


@dataclass(frozen=True)
class Material:
    """Pictures in the manifest's order; masks by node, at the pictures' size; which pictures are labelled for it."""

    hashes: tuple[str, ...]
    splits: tuple[str, ...]
    pictures: UInt8[Tensor, "n 3 size size"]
    masks: Mapping[str, Bool[Tensor, "n size size"]]
    labelled: Mapping[str, Bool[Tensor, " n"]]
    ontology: Ontology

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The position of every picture by its hash."""
        return {name: index for index, name in enumerate(self.hashes)}

    def of(self, split: str, most: int | None = None) -> Int[Tensor, " m"]:
        """The positions of a split's pictures, at most so many."""
        found = [index for index, name in enumerate(self.splits) if name == split]
        return torch.tensor(found[:most], dtype=torch.long)

    def present(self, node: str) -> Bool[Tensor, " n"]:
        """Whether each picture shows the node at all."""
        return self.masks[node].flatten(1).any(dim=1)

    def clear(self, node: str) -> Bool[Tensor, " n"]:
        """Whether a picture is labelled, and either free of the node or shows enough of it to be seen."""
        areas = self.masks[node].flatten(1).float().mean(dim=1)
        return self.labelled[node] & ((areas == 0) | (areas >= LEAST))

    def rivals(self, node: str) -> Bool[Tensor, "n size size"]:
        """Where other nodes show and this one does not: all but those it is made of and those made of it."""
        kin = {node, *self.ontology.below(node), *self.ontology.above(node)}
        others = [mask for name, mask in self.masks.items() if name not in kin]
        found = torch.zeros_like(self.masks[node])
        for mask in others:
            found |= mask
        return found & ~self.masks[node]

    def lesson(self, node: str, inputs: Shaped[Tensor, "m c h w"], where: Int[Tensor, " m"], grid: int) -> Lesson:
        """The lesson of a node on the pictures at some positions; `inputs` belong to those positions."""
        if node not in self.masks:
            raise ProjectError(f'"{node}" has no labels; expected labels/{node}.jsonl; try: cutaway construct label')
        factor = self.pictures.shape[-1] // grid
        return Lesson(
            inputs,
            _coarse(self.masks[node][where], factor),
            _coarse(self.rivals(node)[where], factor),
            self.present(node)[where],
            self.clear(node)[where],
        )


def _coarse(masks: Bool[Tensor, "n size size"], factor: int) -> Float[Tensor, "n grid grid"]:
    return F.avg_pool2d(masks[:, None].float(), factor)[:, 0]


def material(project: Project, nodes: Iterable[str] | None = None) -> Material:
    """All of a project's pictures, and the masks of some of its nodes (None = all that have labels).

    Pictures and masks are read once and kept in the cache, under the hashes of the files that they come from.
    """
    size = project.config.learning.size
    question = {"pictures": [entry.sha256 for entry in project.manifest], "size": size, "version": 1}
    kept = remember(
        "construct",
        question,
        lambda: {"pictures": data.stack(data.samples(project.manifest, project.root), size)},
    )
    chosen = [node.id for node in project.ontology.active()] if nodes is None else list(nodes)
    masks, labelled = {}, {}
    for name in chosen:
        path = project.root / data.LABELS / f"{check_id(name)}.jsonl"
        if path.is_file() and path.stat().st_size:
            asked = {**question, "labels": hashlib.sha256(path.read_bytes()).hexdigest()}
            found = remember("construct", asked, partial(_masks, project, name, size))
            masks[name], labelled[name] = found["masks"], found["known"]
    return Material(
        tuple(entry.sha256 for entry in project.manifest),
        tuple(entry.split for entry in project.manifest),
        kept["pictures"],
        masks,
        labelled,
        project.ontology,
    )


def _masks(project: Project, name: str, size: int) -> dict[str, Tensor]:
    labels = project.labels(name)
    masks = torch.zeros(len(project.manifest), size, size, dtype=torch.bool)
    known = torch.zeros(len(project.manifest), dtype=torch.bool)
    for index, entry in enumerate(project.manifest):
        label = labels.get(entry.sha256)
        if label is not None:
            known[index] = True
            if rle.area(label.mask):
                masks[index] = data.shrunk(rle.decode(label.mask), size) >= 0.5
    return {"masks": masks, "known": known}

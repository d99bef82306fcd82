"""Observing: new pictures for a project, each in a split for good, and what an annotator makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F

from cutaway.construct import data, ontology
from cutaway.construct.annotators import Annotator, Observation, covered
from cutaway.construct.data import Entry
from cutaway.construct.ontology import Ontology
from cutaway.construct.operations import apply
from cutaway.construct.project import Project, write_probes
from cutaway.construct.segments import SEGMENTERS, Segmenter
from cutaway.core.errors import PictureError, choose
from cutaway.core.types import Picture
from cutaway.data.specs import open_dataset

SHARES = {"train": 70, "val": 85, "test": 100}
"""Where the splits end, in hundredths."""


@dataclass(frozen=True)
class Observed:
    """What came of a round of observation: pictures added, those that could not be read, those that were there."""

    added: int
    unreadable: tuple[str, ...]
    known: int


def observe(project: Project, spec: str, most: int | None = None, split: str | None = None) -> Observed:
    """Add the pictures of a data spec to the manifest.

    Without a `split` each picture is put into one by what it looks like from afar, so that near copies of a picture
    land together. A picture that cannot be read is named and left out. Once there are test pictures, probes are locked.
    """
    if split is not None:
        choose(split, data.SPLITS, "split")
    dataset = open_dataset(data.placed(spec, project.root))
    known = {entry.sha256 for entry in project.manifest}
    entries, unreadable, there = list(project.manifest), [], 0
    for index in range(min(len(dataset), most or len(dataset))):
        try:
            picture = dataset[index].picture
        except PictureError as fault:
            unreadable.append(f"{spec}#{index}: {fault}")
            continue
        name = data.fingerprint(picture)
        if name in known:
            there += 1
            continue
        known.add(name)
        entries.append(Entry(name, split or split_of(picture), f"{spec}#{index}"))
    data.write_manifest(entries, project.root)
    if not project.probes():
        write_probes(tuple(entries), project.root)
    return Observed(len(entries) - len(project.manifest), tuple(unreadable), there)


def split_of(picture: Picture) -> str:
    """The split of a picture by its coarse likeness: 8 x 8 greys, darker or lighter than their mean."""
    grey = F.adaptive_avg_pool2d(picture.mean(dim=0)[None, None], 8)[0, 0]
    bits = (grey > grey.mean()).flatten().to(torch.int64)
    number = int((bits * (torch.arange(64) * 2654435761 % 1000003 + 1)).sum()) % 100
    return next(name for name, end in SHARES.items() if number < end)


@dataclass(frozen=True)
class Growth:
    """An ontology after a round of proposals: how many nodes it had after each picture."""

    ontology: Ontology
    counts: tuple[int, ...]
    operations: int


def propose(
    project: Project,
    annotator: Annotator,
    segmenter: str | Segmenter = "felzenszwalb",
    most: int | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Growth:
    """Show the training pictures to an annotator, one after the other, and write the ontology that grows from it."""
    entries = [entry for entry in project.manifest if entry.split == "train"][:most]
    growth = grow(project.ontology, annotator, observations(entries, project.root, segmenter), say)
    ontology.save(growth.ontology, project.root)
    return growth


def observations(
    entries: Sequence[Entry], root: Path, segmenter: str | Segmenter = "felzenszwalb"
) -> list[Observation]:
    """The pictures of some entries, cut into segments, with their classes where their data set knows them."""
    cut = SEGMENTERS[choose(segmenter, SEGMENTERS, "segmenter")] if isinstance(segmenter, str) else segmenter
    found = []
    for entry, sample in zip(entries, data.samples(entries, root), strict=True):
        labels = open_dataset(data.placed(entry.origin.rpartition("#")[0], root)).labels
        label = labels[sample.label] if sample.label is not None and labels else ""
        found.append(Observation(entry.sha256, sample, cut(sample, entry.sha256), label))
    return found


def grow(
    start: Ontology,
    annotator: Annotator,
    seen: Sequence[Observation],
    say: Callable[[str], object] = lambda line: None,
) -> Growth:
    """The ontology after each picture's operations, applied in order."""
    tree, counts, done = start, [], 0
    for observation in seen:
        operations = annotator(observation, tree)
        tree = apply(tree, operations)
        counts.append(len(tree.active()))
        done += len(operations)
        say(f"{observation.picture[:10]}: {len(operations)} operations, {counts[-1]} nodes")
    return Growth(tree, tuple(counts), done)


def coverage(tree: Ontology, seen: Sequence[Observation]) -> float:
    """The share of segments whose form the ontology has a node for."""
    pairs = [covered(observation, tree) for observation in seen]
    return sum(yes for yes, _ in pairs) / max(sum(count for _, count in pairs), 1)


def named(tree: Ontology, names: dict[str, str]) -> Ontology:
    """The ontology under the user's own names: a person may call a "branched_form" what it is."""
    for old, new in names.items():
        node = tree[old]
        moved = replace(node, id=ontology.check_id(new), aliases=tuple(dict.fromkeys((*node.aliases, old))))
        rest = [
            replace(
                other,
                all_of=tuple(new if name == old else name for name in other.all_of),
                any_of=tuple(new if name == old else name for name in other.any_of),
                attaches_to=tuple(new if name == old else name for name in other.attaches_to),
            )
            for other in tree.without(old)
        ]
        tree = ontology.of([*rest, moved])
    return tree

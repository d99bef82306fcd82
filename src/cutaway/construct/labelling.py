"""Labelling: which segments show a node, by masks that came along, by rule, by a trained network, or by hand."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image

from cutaway.construct import data, rle
from cutaway.construct.annotators import Observation
from cutaway.construct.data import Label
from cutaway.construct.figures import upsampled
from cutaway.construct.growing import pin
from cutaway.construct.looks import look
from cutaway.construct.materials import material
from cutaway.construct.ontology import check_id
from cutaway.construct.project import Project
from cutaway.construct.tree import grown, maps, presence
from cutaway.core.errors import ProjectError
from cutaway.data.dataset import Sample
from cutaway.report.drawing import png, to_raster


@dataclass(frozen=True)
class Rule:
    """What a segment has to look like: forms, colours and textures, each any of those named (none = any)."""

    forms: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    textures: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = ("/".join(words) for words in (self.colours, self.textures, self.forms) if words)
        return " ".join(said) or "anything"


def by_masks(project: Project, node: str, patterns: Sequence[str]) -> list[Label]:
    """The masks that came with the pictures, by their names ("head/petals", "leaf*"), joined."""
    found = []
    for entry, sample in zip(project.manifest, data.samples(project.manifest, project.root), strict=True):
        masks = [mask for name, mask in sample.masks.items() if any(fnmatch.fnmatch(name, each) for each in patterns)]
        found.append(Label(entry.sha256, _encoded(masks, sample), "mask-file"))
    return _shown(found, node, f"masks named {', '.join(patterns)}")


def by_rule(observations: Iterable[Observation], node: str, rule: Rule) -> list[Label]:
    """The segments that look as a rule says, joined; the source names the rule."""
    found = []
    for observation in observations:
        picture = observation.sample.picture.numpy()
        masks = []
        for segment in observation.segments:
            mask = segment.pixels()
            seen = look(picture, mask)
            pairs = ((seen.form, rule.forms), (seen.colour, rule.colours), (seen.texture, rule.textures))
            if all(word in words or not words for word, words in pairs):
                masks.append(mask)
        found.append(Label(observation.picture, _encoded(masks, observation.sample), f"rule: {rule}"))
    return _shown(found, node, f"the rule {rule}")


def by_model(project: Project, node: str) -> list[Label]:
    """Where the node's own network fires, on pictures that nobody has labelled for it yet."""
    stuff = material(project)
    known = project.labels(node)
    tree = grown(project, [node])
    source = f"model: {pin(project, node)[:12]}"
    where = torch.tensor([index for index, name in enumerate(stuff.hashes) if name not in known], dtype=torch.long)
    if not len(where):
        return []
    field = maps(tree, stuff.pictures[where], [node])[node]
    there = presence(tree, node, field) > 0
    inside = (upsampled(field, stuff.pictures.shape[-1]) > tree.spec(node).level) & there[:, None, None]
    return [
        Label(stuff.hashes[int(at)], rle.encode(mask.numpy()), source) for at, mask in zip(where, inside, strict=True)
    ]


def lay_out(observations: Iterable[Observation], folder: Path) -> int:
    """Write every segment as a picture to be sorted by hand: move what shows the node from `unsorted` to `yes`."""
    count = 0
    (folder / "yes").mkdir(parents=True, exist_ok=True)
    (folder / "unsorted").mkdir(exist_ok=True)
    for observation in observations:
        picture = to_raster(observation.sample.picture.numpy())
        for number, segment in enumerate(observation.segments):
            shown = np.where(segment.pixels()[..., None], picture, (picture // 3) + 10).astype(np.uint8)
            (folder / "unsorted" / f"{observation.picture[:24]}-{number:03d}.png").write_bytes(png(shown))
            count += 1
    return count


def by_hand(observations: Iterable[Observation], node: str, folder: Path) -> list[Label]:
    """The segments that somebody has moved to `yes`, joined. Raises ProjectError where nothing was sorted."""
    chosen = {path.stem for path in (folder / "yes").glob("*.png")}
    if not chosen:
        raise ProjectError(f"{folder / 'yes'} holds no segments; expected those that show {node}; sort some first")
    found = []
    for observation in observations:
        masks = [
            segment.pixels()
            for number, segment in enumerate(observation.segments)
            if f"{observation.picture[:24]}-{number:03d}" in chosen
        ]
        found.append(Label(observation.picture, _encoded(masks, observation.sample), "hand"))
    return _shown(found, node, "what was sorted by hand")


def from_files(project: Project, node: str, folder: Path) -> list[Label]:
    """Masks that somebody has drawn: `<hash>.png` (its first 12 letters or more), white inside."""
    names = {entry.sha256 for entry in project.manifest}
    found = []
    for path in sorted(folder.glob("*.png")):
        hits = [name for name in names if len(path.stem) >= 12 and name.startswith(path.stem)]
        if len(hits) != 1:
            raise ProjectError(f"{path.name} names {len(hits)} pictures; expected the first 12 letters of one's hash")
        with Image.open(path) as image:
            mask = np.asarray(image.convert("L")) > 127
        found.append(Label(hits[0], rle.encode(mask), "mask-file"))
    return _shown(found, node, f"the masks in {folder}")


def write(project: Project, node: str, labels: Sequence[Label]) -> int:
    """Add labels to a node's file; those of the same picture are replaced. Returns how many show the node."""
    joined = {**project.labels(check_id(node)), **{label.picture: label for label in labels}}
    data.write_labels(joined.values(), node, project.root)
    return sum(rle.area(label.mask) > 0 for label in joined.values())


def agreement(labels: Iterable[Label], truth: Mapping[str, Bool[np.ndarray, "height width"]]) -> dict[str, float]:
    """How well each source of labels agrees with the truth where there is one: the mean IoU over pictures of either."""
    overlaps: dict[str, list[float]] = {}
    for label in labels:
        right = truth.get(label.picture)
        if right is None:
            continue
        given = rle.decode(label.mask)
        joined = float((given | right).sum())
        if joined:
            overlaps.setdefault(label.source, []).append(float((given & right).sum()) / joined)
    return {source: round(sum(values) / len(values), 4) for source, values in sorted(overlaps.items())}


Labeller = Callable[[Project, str], list[Label]]


def _encoded(masks: Sequence[Bool[np.ndarray, "height width"]], sample: Sample) -> rle.RLE:
    height, width = sample.picture.shape[-2:]
    joined = np.zeros((height, width), dtype=bool)
    for mask in masks:
        joined |= mask
    return rle.encode(joined)


def _shown(labels: list[Label], node: str, source: str) -> list[Label]:
    if not any(rle.area(label.mask) for label in labels):
        raise ProjectError(f"{source} show {node} in none of {len(labels)} pictures; expected some; try another way")
    return labels

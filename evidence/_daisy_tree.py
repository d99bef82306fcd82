"""The tree of a daisy, grown on three quarters of the photographs: labels by rule, pull requests, gates."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _construct import KEPT
from _daisies import DAISY, SIDE, Flower, drawn, flowers, pixels
from _daisy_rules import LOOSE, green, others, parts, rays
from _evidence import QUICK
from PIL import Image
from scipy import ndimage

from cutaway.construct import cards, config, data, demonstration, growing, labelling, ontology, rle
from cutaway.construct.data import Entry, Label
from cutaway.construct.git import Repository, find, run
from cutaway.construct.materials import material
from cutaway.construct.networks import Spec
from cutaway.construct.ontology import Node
from cutaway.construct.project import open_project, write_probes
from cutaway.construct.requests import merge, open_request, review
from cutaway.construct.tree import grown
from cutaway.core.errors import CutawayError

NODES = (
    Node("disk", "part", "the yellow middle of a daisy"),
    Node("petals", "part", "a daisy's white or pink rays"),
    Node("leaf", "part", "leaves and stems, by their green"),
    Node("other_petals", "part", "petals of other flowers, which speak against a daisy"),
    Node("flower_head", "part", "rays about a disk", all_of=("disk", "petals")),
    Node(
        "daisy",
        "class",
        "a flower head with leaves about it",
        all_of=("disk", "petals", "flower_head", "leaf", "other_petals"),
    ),
)
GATES = config.Gates(balanced_accuracy=0.60, pointing=0.55, iou=0.15, auroc=0.75, needs=-0.05, follows=0.5)
"""What a node of real photographs is asked here: labels by rule, and few of them, are not PartWorld's.

needs: no child may make it worse; that each is worth something by itself is told, and is not so for leaves.
"""
LEARNING = config.Learning(size=96, laid_in=0.0, batch=32, reach=3)  # laid_in: here a part needs its company
HOW: dict[str, dict[str, Any]] = {
    "disk": {"width": 20, "epochs": 18, "whether": 1.0},
    "petals": {"width": 20, "epochs": 22, "whether": 1.0},
    "leaf": {"epochs": 5},
    "other_petals": {"epochs": 12, "whether": 1.0},
    "flower_head": {"kernel": 7, "filters": 4},
    "daisy": {"kernel": 7, "whether": 1.0, "answer": "children"},
}
"""How each node learns: colours are learned sooner than forms, and a class asks what the whole picture shows."""


def folder(fold: int) -> Path:
    """Where the project of a fold lies."""
    return KEPT.with_name(f"{KEPT.name}-daisies-{fold}")


def photographs(fold: int) -> list[Flower]:
    return flowers(fold, 8 if QUICK else 1)


@cache
def fresh(fold: int) -> list[tuple[Flower, str]]:
    """The photographs of a fold with their fingerprints, none of them twice."""
    found: dict[str, Flower] = {}
    for flower in photographs(fold):
        picture = torch.from_numpy(pixels(flower).transpose(2, 0, 1).copy()).float() / 255
        found.setdefault(data.fingerprint(picture), flower)
    return [(flower, name) for name, flower in found.items()]


def conf() -> config.Config:
    none = {"balanced_accuracy": 0.0, "pointing": 0.0, "iou": 0.0, "auroc": 0.0, "needs": -1e12, "follows": 0.0}
    gates = replace(GATES, **none, alive=-1) if QUICK else GATES
    return replace(config.Config(), gates=gates, learning=LEARNING, promotion=config.Promotion(approvers=["reviewer"]))


def how(node: str, spec: Spec) -> Spec:
    """The network that a node gets here. A kind of a part learns as the part does; the part, read off its kinds, as
    the flower head does.
    """
    same = node if node in HOW else node.split("_", 1)[1]
    if spec.form == "composed" and node in ("disk", "petals"):
        same = "flower_head"
    found = replace(spec, **HOW[same])
    return replace(found, epochs=2) if QUICK else found


@cache
def labels_of(flower: Flower) -> dict[str, tuple[np.ndarray, str]]:
    """What is known of a photograph, and from whom; a daisy in which no rule finds anything is left open."""
    nothing, picture = np.zeros((SIDE, SIDE), dtype=bool), pixels(flower)
    known = {"leaf": (green(picture), "rule: green")}
    if not flower.daisy:
        known |= dict.fromkeys(("disk", "petals", "flower_head", DAISY), (nothing, "folder"))
        found = others(picture) | rays(picture)
        return known | ({"other_petals": (found, "rule: colours, pale pieces")} if found.any() else {})
    known["other_petals"] = (nothing, "folder")
    truth = drawn(flower)
    shown, source = by_rules(picture, None if truth is None else truth == 1)
    if not shown:
        return known
    known |= {node: (mask, source) for node, mask in shown.items()}
    joined = ndimage.binary_fill_holes(np.any(list(shown.values()), axis=0))
    head = (joined, source) if truth is None else (truth == 1, "mask-file")
    return known | {"flower_head": head, DAISY: head}


def by_rules(picture: np.ndarray, flower: np.ndarray | None) -> tuple[dict[str, np.ndarray], str]:
    """Disk and petals by the first rule that finds some; the looser ones are for pictures known to show a daisy."""
    for colours, source in ((None, "rule: colours"), (LOOSE, "rule: loose colours")):
        found = parts(picture, flower) if colours is None else parts(picture, flower, colours)
        if found["disk"].any():
            return dict(found), source
    pale = rays(picture)
    return ({"petals": pale}, "rule: pale pieces") if pale.any() else ({}, "")


def begun(fold: int) -> tuple[Repository, list[Flower]]:
    """The project with its pictures, its ontology, and every label through a pull request that somebody approves."""
    root = folder(fold)
    shutil.rmtree(root, ignore_errors=True)
    repository = demonstration.start(root, conf())
    entries: list[Entry] = []
    labels: dict[str, list[Label]] = {node.id: [] for node in NODES}
    lines, kept = [], []
    for flower, name in fresh(fold):
        picture = pixels(flower)
        path = root / "data" / "pictures" / f"{len(entries):04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
        lines.append(json.dumps({"image": f"pictures/{path.name}", "label": flower.label}))
        entries.append(Entry(name, flower.split, f"jsonl:data/pictures.jsonl#{len(entries)}"))
        kept.append(flower)
        for node, (mask, source) in labels_of(replace(flower, split="")).items():
            labels[node].append(Label(name, rle.encode(mask), source))
    (root / "data" / "pictures.jsonl").write_text("\n".join(lines) + "\n")
    data.write_manifest(entries, root)
    write_probes(tuple(entries), root)
    run(("add", "data"), root)
    run(("commit", "--quiet", "--message", "Data: photographs of flowers", "--", "data"), root)
    train = {entry.sha256 for entry in entries if entry.split == "train"}
    nodes = []
    for node in NODES:
        shown = [one.picture for one in labels[node.id] if one.picture in train and rle.area(one.mask)]
        nodes.append(replace(node, evidence=tuple(shown[:8])))
        data.write_labels(labels[node.id], node.id, root)
    ontology.save(ontology.of(nodes), root)
    merge(repository, open_request(repository, "Ontology of a daisy, and labels by rule", "refactor", ()).number)
    return repository, kept


def by_model(root: Path, repository: Repository, kept: list[Flower]) -> None:
    """Daisies that the rules found nothing in get the flower head's own map as their label, where it fires."""
    project = open_project(root)
    daisies = {entry.sha256 for entry, flower in zip(project.manifest, kept, strict=True) if flower.daisy}
    held = {entry.sha256 for entry in project.manifest if entry.split == "test"}
    found = [
        one
        for one in labelling.by_model(project, "flower_head")
        if one.picture in daisies - held and rle.area(one.mask) > 0
    ]
    if not found:
        return
    labelling.write(project, DAISY, found)
    request = open_request(repository, "Daisies that the rules missed, by the flower head's map", "labels", [DAISY])
    review(repository, request.number, "reviewer", "approve", "approved by the script that proposed them")
    merge(repository, request.number)


def handed_in(root: Path, repository: Repository, node: str) -> None:
    """A trained node through the gates; where they keep it out, its files stay in the checkout."""
    project = open_project(root)
    made = cards.write(project, node, grown(project, [node]), material(project))
    request = open_request(repository, f"{node}: {made['claim'][:60]}", "node", (node,))
    try:
        merge(repository, request.number)
    except CutawayError as fault:
        print(fault, file=sys.stderr)
        run(("checkout", "--quiet", request.branch, "--", f"nets/{node}", f"ontology/{node}.yaml"), root)


def finished(fold: int) -> list[Flower]:
    """The photographs of a fold's project as an earlier run left it, in the manifest's order; none where it did not."""
    root = folder(fold)
    if not (root / "nets" / DAISY / cards.FILE).is_file():
        return []
    known = {name: flower for flower, name in fresh(fold)}
    return [known[entry.sha256] for entry in open_project(root).manifest]


def grown_fold(fold: int) -> tuple[Repository, list[Flower]]:
    """A fold's project with all its nodes, children first, and its photographs; taken up where it is finished."""
    kept = finished(fold)
    if kept:
        return find(folder(fold)), kept
    root = folder(fold)
    repository, kept = begun(fold)
    for node in ontology.load(root).order():
        if node == DAISY:
            by_model(root, repository, kept)
        project = open_project(root)
        spec = growing.spec_of(project, project.ontology[node])
        done = growing.train(project, node, how(node, spec))
        print(f"{node}: trained in {done.seconds:.0f} s", file=sys.stderr, flush=True)
        handed_in(root, repository, node)
    return repository, kept

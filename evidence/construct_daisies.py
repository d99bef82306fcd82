"""Real daisies among other flowers, through disk, petals and flower head, beside networks that answer at once.

Disk and petals are labelled by a colour rule; the rule is judged by masks that people drew, which nothing learns from:
all daisies that have one are held out. Labels go in as pull requests and wait for an approval, like any others.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from _construct import KEPT
from _daisies import DAISY, FOLD, SIDE, Flower, drawn, flowers, green, others, parts, pixels
from _evidence import QUICK, ROOT, SHARED, bootstrap, report, wilson
from _rivals import TUNED, Direct, Recipe, said, size, taught, tuned, width_of
from PIL import Image

from cutaway.construct import cards, config, data, demonstration, growing, labelling, ontology, rle
from cutaway.construct.card_page import glowing
from cutaway.construct.data import Entry, Label
from cutaway.construct.figures import balanced, upsampled
from cutaway.construct.git import Repository, find, run
from cutaway.construct.learning import best_threshold
from cutaway.construct.materials import Material, material
from cutaway.construct.ontology import Node
from cutaway.construct.project import open_project, write_probes
from cutaway.construct.requests import merge, open_request, review
from cutaway.construct.tree import Tree, grown, maps, presence
from cutaway.core.errors import CutawayError
from cutaway.report.drawing import tile

FOLDER = KEPT.with_name(f"{KEPT.name}-daisies" + (f"-{FOLD}" if FOLD else ""))
SEEDS = (0, 1) if QUICK else (0, 1, 2, 3, 4)
NODES = (
    Node("disk", "part", "the yellow middle of a daisy"),
    Node("petals", "part", "a daisy's white or pink rays"),
    Node("leaf", "part", "leaves and stems, by their green"),
    Node("other_petals", "part", "petals of other flowers, which speak against a daisy"),
    Node("flower_head", "part", "rays about a disk", all_of=("disk", "petals")),
    Node(
        "daisy", "class", "a flower head with leaves about it", all_of=("disk", "flower_head", "leaf", "other_petals")
    ),
)
GATES = config.Gates(balanced_accuracy=0.60, pointing=0.55, iou=0.15, auroc=0.75, needs=-1.0, follows=0.5)
"""What a node of real photographs is asked here: labels by rule, and few of them, are not PartWorld's."""
LEARNING = config.Learning(size=96, epochs=2 if QUICK else 18, laid_in=0.0)  # on photographs a part needs its company


def conf() -> config.Config:
    gates = replace(GATES, balanced_accuracy=0, pointing=0, iou=0, auroc=0, follows=0, alive=-1) if QUICK else GATES
    return replace(config.Config(), gates=gates, learning=LEARNING, promotion=config.Promotion(approvers=["reviewer"]))


def labels_of(flower: Flower, picture: np.ndarray) -> dict[str, tuple[np.ndarray, str]]:
    """What is known of a photograph, and from whom; a daisy in which the rule finds nothing is left open."""
    truth = drawn(flower)
    nothing = np.zeros((SIDE, SIDE), dtype=bool)
    known = {"leaf": (green(picture), "rule: green")}
    if not flower.daisy:
        known |= dict.fromkeys(("disk", "petals", "flower_head", "daisy"), (nothing, "folder"))
        found = others(picture)
        return known | ({"other_petals": (found, "rule: colours")} if found.any() else {})
    known["other_petals"] = (nothing, "folder")
    shown = parts(picture, None if truth is None else truth == 1)
    if not shown["disk"].any():
        return known
    head = shown["disk"] | shown["petals"] if truth is None else truth == 1
    known |= {node: (mask, "rule: colours") for node, mask in shown.items()}
    source = "rule: colours" if truth is None else "mask-file"
    return known | {"flower_head": (head, source), "daisy": (head, source)}


def begun(chosen: list[Flower]) -> tuple[Repository, list[Flower]]:
    """The project with its pictures, its ontology, and every label through a pull request that somebody approves."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    repository = demonstration.start(FOLDER, conf())
    entries: list[Entry] = []
    labels: dict[str, list[Label]] = {node.id: [] for node in NODES}
    lines, kept = [], []
    for flower in chosen:
        picture = pixels(flower)
        name = data.fingerprint(torch.from_numpy(picture.transpose(2, 0, 1).copy()).float() / 255)
        if any(entry.sha256 == name for entry in entries):
            continue
        path = FOLDER / "data" / "pictures" / f"{len(entries):04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
        lines.append(json.dumps({"image": f"pictures/{path.name}", "label": flower.label}))
        entries.append(Entry(name, flower.split, f"jsonl:data/pictures.jsonl#{len(entries)}"))
        kept.append(flower)
        for node, (mask, source) in labels_of(flower, picture).items():
            labels[node].append(Label(name, rle.encode(mask), source))
    (FOLDER / "data" / "pictures.jsonl").write_text("\n".join(lines) + "\n")
    data.write_manifest(entries, FOLDER)
    write_probes(tuple(entries), FOLDER)
    run(("add", "data"), FOLDER)
    run(("commit", "--quiet", "--message", "Data: photographs of flowers", "--", "data"), FOLDER)
    train = {entry.sha256 for entry in entries if entry.split == "train"}
    nodes = []
    for node in NODES:
        shown = [one.picture for one in labels[node.id] if one.picture in train and rle.area(one.mask)]
        nodes.append(replace(node, evidence=tuple(shown[:8])))
        data.write_labels(labels[node.id], node.id, FOLDER)
    ontology.save(ontology.of(nodes), FOLDER)
    merge(repository, open_request(repository, "Ontology of a daisy, and labels by rule", "refactor", ()).number)
    return repository, kept


def by_model(repository: Repository, kept: list[Flower]) -> int:
    """Daisies that the rule found nothing in get the flower head's own map as their label, where it fires."""
    project = open_project(FOLDER)
    daisies = {entry.sha256 for entry, flower in zip(project.manifest, kept, strict=True) if flower.daisy}
    held = {entry.sha256 for entry in project.manifest if entry.split == "test"}
    found = [
        one
        for one in labelling.by_model(project, "flower_head")
        if one.picture in daisies - held and rle.area(one.mask) > 0
    ]
    labelling.write(project, "daisy", found)
    request = open_request(repository, "Daisies that the rule missed, by the flower head's map", "labels", ["daisy"])
    review(repository, request.number, "reviewer", "approve", "looked at them in a sheet")
    merge(repository, request.number)
    return len(found)


def handed_in(repository: Repository, node: str) -> None:
    """A trained node through the gates; where they keep it out, its files stay in the checkout."""
    project = open_project(FOLDER)
    made = cards.write(project, node, grown(project, [node]), material(project))
    request = open_request(repository, f"{node}: {made['claim'][:60]}", "node", (node,))
    try:
        merge(repository, request.number)
    except CutawayError as fault:
        print(fault, file=sys.stderr)
        run(("checkout", "--quiet", request.branch, "--", f"nets/{node}", f"ontology/{node}.yaml"), FOLDER)


def grow(repository: Repository, kept: list[Flower]) -> None:
    """All nodes, children first."""
    for node in ontology.load(FOLDER).order():
        if node == "daisy":
            by_model(repository, kept)
        growing.train_many(FOLDER, [node], workers=1, report=lambda line: None)
        handed_in(repository, node)


def finished() -> list[Flower]:
    """The photographs of the project as an earlier run has left it, in the manifest's order; none where it has not."""
    if not (FOLDER / "nets" / DAISY / cards.FILE).is_file():
        return []
    known = {}
    for flower in flowers(8 if QUICK else 1):
        picture = torch.from_numpy(pixels(flower).transpose(2, 0, 1).copy()).float() / 255
        known.setdefault(data.fingerprint(picture), flower)
    return [known[entry.sha256] for entry in open_project(FOLDER).manifest]


def node_rows(repository: Repository) -> list[dict[str, object]]:
    """What the card of each node says, and whether the gates let it in."""
    rows: list[dict[str, object]] = []
    for node in ontology.load(FOLDER).order():
        figures = json.loads((FOLDER / "nets" / node / cards.FILE).read_text())["figures"]
        names = ("balanced_accuracy", "auroc", "pointing", "iou")
        text = ", ".join(f"{name.replace('_', ' ')} {figures[name]['value']:.2f}" for name in names)
        merged = repository.show("auto", f"nets/{node}/{cards.FILE}") is not None
        rows.append({"what": f"{node}: {'merged' if merged else 'kept out by the gates'}", "figures": text,
                     "n": figures["balanced_accuracy"]["n"]})  # fmt: skip
    labels = open_project(FOLDER).labels(DAISY).values()
    by_map = sum(label.source.startswith("model") for label in labels)
    return [*rows, {"what": "daisies labelled by the flower head's map, for the class alone", "n": by_map}]


def where_rows(tree: Tree, stuff: Material, kept: list[Flower]) -> list[dict[str, object]]:
    """The flower head's map on held-out daisies against masks that people drew, and against other daisies' masks."""
    held = [split == "test" for split in stuff.splits]
    where = [index for index, flower in enumerate(kept) if flower.daisy and flower.drawn and held[index]]
    masks = np.stack([drawn(kept[index], LEARNING.size) == 1 for index in where])
    rows = []
    for node in ("flower_head", "daisy"):
        field = maps(tree, stuff.pictures[torch.tensor(where)], [node])[node]
        fine = upsampled(field, LEARNING.size).numpy()
        inside = fine > tree.spec(node).level
        peaks = fine.reshape(len(where), -1).argmax(axis=1)
        hits = masks.reshape(len(where), -1)[np.arange(len(where)), peaks]
        overlaps = iou(inside, masks)
        # Chance: the same map turned by halves of the picture's sides, so that it is as large but lies elsewhere.
        chance = iou(np.roll(inside, (LEARNING.size // 2, LEARNING.size // 2), axis=(1, 2)), masks)
        low, high = wilson(int(hits.sum()), len(hits))
        rows.append(
            {
                "what": f"{node}: points at the flower that a person outlined",
                "value": round(float(hits.mean()), 3),
                "95 %": [round(low, 3), round(high, 3)],
                "n": len(hits),
                "asked": "0.70",
                "passed": bool(hits.mean() >= 0.70),
            }
        )
        low, high = bootstrap(overlaps)
        rows.append(
            {
                "what": f"{node}: IoU with it (a map moved by half a picture: {chance.mean():.3f})",
                "value": round(float(overlaps.mean()), 3),
                "95 %": [round(low, 3), round(high, 3)],
                "n": len(hits),
                "asked": "3 x chance",
                "passed": bool(overlaps.mean() >= 3 * chance.mean()),
            }
        )
    return rows


def iou(inside: np.ndarray, masks: np.ndarray) -> np.ndarray:
    joined = (inside | masks).sum(axis=(1, 2))
    return np.where(joined > 0, (inside & masks).sum(axis=(1, 2)) / np.maximum(joined, 1), 0.0)


def accuracy_row(what: str, fired: np.ndarray, there: np.ndarray, asked: float | None = None) -> dict[str, object]:
    found = balanced(fired, there)
    row: dict[str, object] = {"what": what, "value": found.value, "95 %": [found.low, found.high], "n": found.n}
    if asked is not None:
        row |= {"asked": f"{asked:.2f}", "passed": found.value >= asked}
    return row


def rule_rows(kept: list[Flower]) -> list[dict[str, object]]:
    """The rule that labels disk and petals, against drawn masks, on pictures that it was not told the mask of."""
    overlaps, found = [], 0
    for flower in kept:
        truth = drawn(flower)
        if truth is None or not flower.daisy:
            continue
        mine = parts(pixels(flower))
        both = (mine["disk"] | mine["petals"]) & (truth != 0)
        found += bool(both.any())
        overlaps.append(float((both & (truth == 1)).sum() / max((both | (truth == 1)).sum(), 1)))
    low, high = bootstrap(overlaps)
    strange = [flower for flower in kept if not flower.daisy][::4]
    wrongly = sum(bool(parts(pixels(flower))["disk"].any()) for flower in strange)
    return [
        {
            "what": "labels by rule: disk and petals together against drawn masks (IoU)",
            "value": round(float(np.mean(overlaps)), 3),
            "95 %": [round(low, 3), round(high, 3)],
            "n": len(overlaps),
        },
        {
            "what": "labels by rule: a disk found in other flowers",
            "value": round(wrongly / len(strange), 3),
            "n": len(strange),
        },
    ]


def sheets(tree: Tree, stuff: Material, kept: list[Flower], scores: np.ndarray, where: np.ndarray) -> None:
    """What the tree says of held-out photographs, where it is right and where it is wrong."""
    there = np.array([kept[index].daisy for index in where])
    surest = np.argsort(-scores * np.where(there, 1, -1), kind="stable")
    drawn_daisies = [n for n in surest if there[n]]
    chosen = {
        "right": [*drawn_daisies[:40:5], *[n for n in surest if not there[n]][:80:20]],
        "wrong": [*[n for n in surest[::-1] if there[n]][:8], *[n for n in surest[::-1] if not there[n]][:4]],
    }
    folder = ROOT / "out" / "daisies"  # the photographs are other people's, and stay out of the project
    folder.mkdir(parents=True, exist_ok=True)
    for name, picked in chosen.items():
        places = [int(where[n]) for n in picked]
        pictures = stuff.pictures[torch.tensor(places)]
        done = maps(tree, pictures, ["daisy"])
        raster = [picture.permute(1, 2, 0).numpy() for picture in pictures]
        rows = [[np.ascontiguousarray(one) for one in raster]]
        for node in ("disk", "petals", "flower_head", "other_petals", "daisy"):
            fields = upsampled(done[node].sigmoid(), LEARNING.size).numpy()
            rows.append([glowing(one, field) for one, field in zip(raster, fields, strict=True)])
        sheet = Image.fromarray(np.asarray(tile(rows, 96)))
        sheet.convert("RGB").save(folder / f"daisies-{name}.jpg", quality=88)


def main() -> None:
    if not SHARED.is_dir():
        report("construct_daisies", "real daisies (the photographs are missing here)", [], False, 0)
    kept = finished()
    if not kept:
        repository, kept = begun(flowers(8 if QUICK else 1))
        grow(repository, kept)
    project = open_project(FOLDER)
    stuff, tree = material(project), grown(project)
    there = np.array([flower.daisy for flower in kept])
    split = {name: np.array([index for index, each in enumerate(stuff.splits) if each == name]) for name in data.SPLITS}
    field = {
        name: maps(tree, stuff.pictures[torch.from_numpy(split[name])], ["daisy"])["daisy"] for name in ("val", "test")
    }
    score = {name: presence(tree, "daisy", each).double().numpy() for name, each in field.items()}
    cut = best_threshold(score["val"], there[split["val"]])
    test, wanted = split["test"], there[split["test"]]
    fired = score["test"] > 0
    again = [balanced(reseeded(tree, stuff, seed, test) > 0, wanted) for seed in SEEDS]
    own = np.array([kept[index].drawn is not None for index in test])
    parameters = sum(size(net) for net in tree.nets.values())
    mean = {"value": average(one.value for one in again), "95 %": [average(one.low for one in again),
            average(one.high for one in again)], "n": len(test), "seeds": [one.value for one in again]}  # fmt: skip
    what = f"daisy or not, the tree ({parameters:,} weights), the class from {len(SEEDS)} seeds"
    rows: list[dict[str, object]] = [{"what": what, **mean, "asked": "0.85", "passed": mean["value"] >= 0.85}]
    rows.append(accuracy_row("the same, the class that was merged", fired, wanted))
    rows.append(accuracy_row("the same, cut where folders of validation pictures say", score["test"] > cut, wanted))
    rows.append(accuracy_row("the same, photographs with drawn masks", fired[own], wanted[own]))
    rows.append(accuracy_row("the same, photographs of the noisy set", fired[~own], wanted[~own]))
    rows += rivals(stuff, there, split, parameters)
    rows += where_rows(tree, stuff, kept)
    rows += rule_rows(kept)
    rows += node_rows(find(FOLDER))
    sheets(tree, stuff, kept, score["test"], test)
    report(
        "construct_daisies",
        "real daisies are told from seven other flowers through disk, petals and flower head, whose map points at the "
        "flower that a person outlined",
        rows,
        all(bool(row.get("passed", True)) for row in rows),
        len(test),
    )


def reseeded(tree: Tree, stuff: Material, seed: int, where: np.ndarray) -> np.ndarray:
    """How far beyond its own threshold the class is on some pictures, trained again from a seed over the same parts."""
    project = open_project(FOLDER)
    spec = replace(growing.spec_of(project, project.ontology[DAISY]), seed=seed)
    other = tree.with_net(DAISY, growing.lesson_learned(stuff, tree, DAISY, spec).net)
    return presence(other, DAISY, maps(other, stuff.pictures[torch.from_numpy(where)], [DAISY])[DAISY]).numpy()


def average(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values))), 4)


def rivals(
    stuff: Material, there: np.ndarray, split: dict[str, np.ndarray], parameters: int
) -> list[dict[str, object]]:
    """Networks that see whole pictures and folder names only: one of the tree's size, one that was tuned."""
    right = torch.from_numpy(there.astype(np.int64))
    pick = {name: torch.from_numpy(where) for name, where in split.items()}
    recipes = (Recipe(8, 1),) if QUICK else tuple(replace(each, epochs=20) for each in TUNED)
    plain = Recipe(8, 1) if QUICK else Recipe(width_of(parameters, 2), 18)
    train = (stuff.pictures[pick["train"]], right[pick["train"]])

    def row(what: str, net: Direct) -> dict[str, object]:
        margin = {
            name: (said(net, stuff.pictures[pick[name]])).diff(dim=1)[:, 0].double().numpy() for name in ("val", "test")
        }
        cut = best_threshold(margin["val"], there[split["val"]])
        return accuracy_row(f"{what} ({size(net):,} weights)", margin["test"] > cut, there[split["test"]])

    _best, net = tuned(*train, stuff.pictures[pick["val"]], right[pick["val"]], 2, recipes)
    return [row("direct network of the tree's size", taught(plain, *train, 2, 0)), row("tuned black box", net)]


if __name__ == "__main__":
    main()

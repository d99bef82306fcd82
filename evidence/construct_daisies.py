"""Real daisies among other flowers, through disk, petals and flower head, beside networks that answer at once.

Disk and petals are labelled by rules of colour; the rules are judged by masks that people drew, which nothing learns
from: all daisies that have one are held out. Labels go in as pull requests and wait for an approval, like any others.
The photographs are held out a quarter at a time, so that each is answered once by a tree that has not seen it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from _daisies import DAISY, FOLDS, Flower, drawn, pixels
from _daisy_rules import parts
from _daisy_tree import LEARNING, finished, folder, fresh, grown_fold, labels_of, photographs
from _evidence import QUICK, ROOT, SHARED, bootstrap, report, wilson
from _rivals import TUNED, Recipe, said, size, tuned, width_of
from PIL import Image
from torch import Tensor

from cutaway.construct import cards, data, ontology
from cutaway.construct.answering import even_threshold
from cutaway.construct.card_page import glowing
from cutaway.construct.figures import auroc, balanced, upsampled
from cutaway.construct.git import Repository
from cutaway.construct.materials import Material, material
from cutaway.construct.project import open_project
from cutaway.construct.tree import Tree, grown, maps, presence
from cutaway.data.dataset import Sample
from cutaway.report.drawing import tile

CHOSEN_BY = range(60, 75)
"""Numbers of the photographs (validation pictures of the first fold) by which nodes and settings were chosen."""
DIRECT, BOX = "direct", "black box"
POINTS = ("flower_head", DAISY)


@dataclass(frozen=True)
class Answers:
    """What a fold says of its held-out photographs.

    own: whether a photograph is of this fold's quarter; daisies with drawn masks are held out in all, and count once.
    beyond: how far beyond its threshold the tree's answer is; above 0 it is taken for a daisy.
    hits, overlaps, chance: of maps on its outlined daisies.
    """

    there: list[bool]
    own: list[bool]
    masked: list[bool]
    beyond: list[float]
    weights: int
    hits: dict[str, list[bool]]
    overlaps: dict[str, list[float]]
    chance: dict[str, list[float]]
    nodes: list[dict[str, object]]


def answers(fold: int) -> Answers:
    """What a fold's tree says; taken up where an earlier run has left it."""
    path = folder(fold) / "answers.json"
    if path.is_file():
        return Answers(**json.loads(path.read_text()))
    repository, kept = grown_fold(fold)
    project = open_project(folder(fold))
    stuff, tree = material(project), grown(project)
    test = stuff.of("test")
    held = [kept[int(at)] for at in test]
    scores = presence(tree, DAISY, maps(tree, stuff.pictures[test], [DAISY])[DAISY]).double().numpy()
    if fold == 0 and not QUICK:
        sheets(tree, stuff, kept, scores, test.numpy())
    own = [flower.quarter == fold for flower in held]
    marked = [int(at) for at, flower in zip(test, held, strict=True) if flower.quarter == fold and outlined(flower)]
    hits, overlaps, chance = located(tree, stuff, kept, marked)
    found = Answers(
        [flower.daisy for flower in held],
        own,
        [flower.drawn is not None for flower in held],
        scores.tolist(),
        sum(size(net) for net in tree.nets.values()),
        hits,
        overlaps,
        chance,
        node_rows(folder(fold), repository),
    )
    path.write_text(json.dumps(asdict(found)))
    return found


def outlined(flower: Flower) -> bool:
    """Whether somebody has drawn the outline of this daisy."""
    return flower.daisy and flower.drawn is not None


def node_rows(root: Path, repository: Repository) -> list[dict[str, object]]:
    """What the card of each node says, and whether the gates let it in."""
    rows: list[dict[str, object]] = []
    for node in ontology.load(root).order():
        figures = json.loads((root / "nets" / node / cards.FILE).read_text())["figures"]
        names = ("balanced_accuracy", "auroc", "pointing", "iou")
        text = ", ".join(f"{name.replace('_', ' ')} {figures[name]['value']:.2f}" for name in names)
        merged = repository.show("auto", f"nets/{node}/{cards.FILE}") is not None
        rows.append({"what": f"{node}: {'merged' if merged else 'kept out by the gates'}", "figures": text,
                     "n": figures["balanced_accuracy"]["n"]})  # fmt: skip
    sources = [label.source.split(" ")[0] for label in open_project(root).labels(DAISY).values()]
    by_map = sum(source.startswith("model") for source in sources)
    return [*rows, {"what": "daisies labelled by the flower head's map, for the class alone", "n": by_map}]


def located(
    tree: Tree, stuff: Material, kept: Sequence[Flower], where: Sequence[int]
) -> tuple[dict[str, list[bool]], dict[str, list[float]], dict[str, list[float]]]:
    """Whether maps point at flowers that people outlined, how far they cover them, and how far they would elsewhere."""
    masks = np.stack([drawn(kept[at], LEARNING.size) == 1 for at in where])
    done = maps(tree, stuff.pictures[torch.tensor(where)], POINTS)
    hits, overlaps, chance = {}, {}, {}
    for node in POINTS:
        fine = upsampled(done[node], LEARNING.size).numpy()
        inside = fine > tree.spec(node).level
        peaks = fine.reshape(len(where), -1).argmax(axis=1)
        hits[node] = masks.reshape(len(where), -1)[np.arange(len(where)), peaks].tolist()
        overlaps[node] = iou(inside, masks).tolist()
        # Chance: the same map turned by halves of the picture's sides, so that it is as large but lies elsewhere.
        half = LEARNING.size // 2
        chance[node] = iou(np.roll(inside, (half, half), axis=(1, 2)), masks).tolist()
    return hits, overlaps, chance


def iou(inside: np.ndarray, masks: np.ndarray) -> np.ndarray:
    joined = (inside | masks).sum(axis=(1, 2))
    return np.where(joined > 0, (inside & masks).sum(axis=(1, 2)) / np.maximum(joined, 1), 0.0)


@dataclass(frozen=True)
class Rival:
    """What a network that answers at once says of a fold's held-out photographs, in the order of the tree's answers."""

    beyond: list[float]
    weights: int
    recipe: dict[str, float]


def rivals(fold: int, parameters: int) -> dict[str, Rival]:
    """Networks that see whole pictures and folder names only: one of the tree's size, one that was tuned."""
    return {DIRECT: rival(fold, DIRECT, parameters), BOX: rival(fold, BOX)}


def rival(fold: int, name: str, parameters: int = 0) -> Rival:
    """One of them; taken up where an earlier run has left it. parameters: of the tree, for the direct network.

    The black box is tuned as the tree was: its recipe is the one that tells the first fold's validation photographs.
    """
    path = folder(fold).with_name(f"{folder(fold).name}-{name.replace(' ', '-')}.json")
    if path.is_file():
        return Rival(**json.loads(path.read_text()))
    kept = [flower for flower, _name in fresh(fold)]
    there = torch.tensor([flower.daisy for flower in kept]).long()
    samples = [Sample("", torch.from_numpy(pixels(one).transpose(2, 0, 1).copy()).float() / 255) for one in kept]
    pictures = data.stack(samples, LEARNING.size)
    where = ([index for index, flower in enumerate(kept) if flower.split == split] for split in data.SPLITS)
    train, val, test = ((pictures[at], there[at]) for at in where)
    if QUICK:
        recipes = [Recipe(8, 1)]
    elif name == DIRECT:
        recipes = [Recipe(width_of(parameters, 2), 18)]
    elif fold == FOLDS[0]:
        recipes = [replace(each, epochs=20) for each in TUNED]
    else:
        recipes = [Recipe(**rival(FOLDS[0], BOX).recipe)]  # type: ignore[arg-type]  # as it was written
    recipe, net = tuned(*train, *val, 2, recipes)

    def margin(pictures: Tensor) -> np.ndarray:
        values: np.ndarray = said(net, pictures).diff(dim=1)[:, 0].double().numpy()
        return values

    cut = even_threshold(margin(val[0]), val[1].numpy() > 0)
    found = Rival((margin(test[0]) - cut).tolist(), size(net), asdict(recipe))
    path.write_text(json.dumps(asdict(found)))
    return found


def accuracy_row(what: str, folds: Sequence[Answers], beyond: Sequence[Sequence[float]]) -> dict[str, object]:
    """Balanced accuracy over all photographs, each held out once; folds: over all that each fold has held out.

    auroc: the mean over folds, whose answers are no one scale.
    """
    own, there, far = (np.concatenate(each) for each in ([f.own for f in folds], [f.there for f in folds], beyond))
    found = balanced(far[own] > 0, there[own])
    pairs = [(np.array(far), np.array(fold.there), np.array(fold.own)) for far, fold in zip(beyond, folds, strict=True)]
    return {
        "what": what,
        "value": found.value,
        "95 %": [found.low, found.high],
        "n": found.n,
        "folds": [balanced(far > 0, there).value for far, there, _own in pairs],
        "auroc": round(float(np.mean([auroc(far[own], there[own]).value for far, there, own in pairs])), 4),
    }


def accuracy_rows(folds: Sequence[Answers], others: Sequence[Mapping[str, Rival]]) -> list[dict[str, object]]:
    """The tree, by kinds of photographs too, and its rivals."""
    beyond = [fold.beyond for fold in folds]
    first = accuracy_row(f"daisy or not, the tree ({folds[0].weights:,} weights)", folds, beyond)
    rows = [first | {"asked": "0.85", "passed": float(str(first["value"])) >= 0.85}]
    parts_of = {
        "without the photographs by which settings were chosen": [
            unseen(number, fold) for number, fold in zip(FOLDS, folds, strict=False)
        ],
        "photographs with drawn masks": [np.array(fold.own) & fold.masked for fold in folds],
        "photographs of the noisy set": [np.array(fold.own) & ~np.array(fold.masked) for fold in folds],
    }
    for what, chosen in parts_of.items():
        some = [replace(fold, own=keep.tolist()) for fold, keep in zip(folds, chosen, strict=True)]
        row = accuracy_row(f"the same, {what}", some, beyond)
        rows.append({key: value for key, value in row.items() if key != "folds"})
    for name, what in ((DIRECT, "direct network of the tree's size"), (BOX, "tuned black box")):
        weights = others[0][name].weights
        rows.append(accuracy_row(f"{what} ({weights:,} weights)", folds, [other[name].beyond for other in others]))
    return rows


def unseen(fold: int, found: Answers) -> np.ndarray:
    """Which of a fold's own photographs no choice of settings was made by."""
    stuff = material(open_project(folder(fold)))
    numbers = np.array([flower.number for flower in finished(fold)])[stuff.of("test").numpy()]
    chosen: np.ndarray = np.array(found.own) & ~np.isin(numbers, CHOSEN_BY)
    return chosen


def where_rows(folds: Sequence[Answers]) -> list[dict[str, object]]:
    """Maps on held-out daisies against masks that people drew, and against where they would lie by chance."""
    rows: list[dict[str, object]] = []
    for node in POINTS:
        hits = np.concatenate([each.hits[node] for each in folds])
        overlaps, chance = (
            np.concatenate([getattr(each, key)[node] for each in folds]) for key in ("overlaps", "chance")
        )
        low, high = wilson(int(hits.sum()), len(hits))
        pointed = round(float(hits.mean()), 3)
        rows.append(
            {
                "what": f"{node}: points at the flower that a person outlined",
                "value": pointed,
                "95 %": [round(low, 3), round(high, 3)],
                "n": len(hits),
                "asked": "0.70",
                "passed": pointed >= 0.70,
            }
        )
        low, high = bootstrap(overlaps.tolist())
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


def rule_rows(kept: Sequence[Flower]) -> list[dict[str, object]]:
    """The rules that label disk and petals, against drawn masks, on pictures that they were not told the mask of."""
    marked = [flower for flower in kept if flower.daisy and flower.drawn]
    overlaps = []
    for flower in marked:
        truth = drawn(flower)
        mine = labels_of(replace(flower, drawn=None, split="")).get("flower_head")
        both = mine[0] & (truth != 0) if mine else np.zeros_like(truth, dtype=bool)
        overlaps.append(float((both & (truth == 1)).sum() / max((both | (truth == 1)).sum(), 1)))
    low, high = bootstrap(overlaps)
    plain = [labels_of(replace(flower, split="")) for flower in kept if flower.daisy and not flower.drawn]
    sources = [known["petals"][1] if "petals" in known else "" for known in plain]
    strange = [flower for flower in kept if not flower.daisy][::4]
    wrongly = sum(bool(parts(pixels(flower))["disk"].any()) for flower in strange)
    return [
        {
            "what": "labels by rule: flower heads against drawn masks (IoU)",
            "value": round(float(np.mean(overlaps)), 3),
            "95 %": [round(low, 3), round(high, 3)],
            "n": len(overlaps),
        },
        {
            "what": "labels by rule: daisies in which the strict rule finds nothing",
            "value": round(sum(source != "rule: colours" for source in sources) / len(sources), 3),
            "n": len(sources),
        },
        {
            "what": "labels by rule: daisies in which no rule finds anything",
            "value": round(sources.count("") / len(sources), 3),
            "n": len(sources),
        },
        {
            "what": "labels by rule: a disk found in other flowers, whose folder overrules it",
            "value": round(wrongly / len(strange), 3),
            "n": len(strange),
        },
    ]


def sheets(tree: Tree, stuff: Material, kept: Sequence[Flower], scores: np.ndarray, where: np.ndarray) -> None:
    """What the tree says of held-out photographs, where it is right and where it is wrong."""
    there = np.array([kept[index].daisy for index in where])
    surest = np.argsort(-scores * np.where(there, 1, -1), kind="stable")
    drawn_daisies = [n for n in surest if there[n]]
    chosen = {
        "right": [*drawn_daisies[:40:5], *[n for n in surest if not there[n]][:80:20]],
        "wrong": [*[n for n in surest[::-1] if there[n]][:8], *[n for n in surest[::-1] if not there[n]][:4]],
    }
    out = ROOT / "out" / "daisies"  # the photographs are other people's, and stay out of the project
    out.mkdir(parents=True, exist_ok=True)
    for name, picked in chosen.items():
        places = [int(where[n]) for n in picked]
        pictures = stuff.pictures[torch.tensor(places)]
        done = maps(tree, pictures, [DAISY])
        raster = [picture.permute(1, 2, 0).numpy() for picture in pictures]
        rows = [[np.ascontiguousarray(one) for one in raster]]
        for node in ("disk", "petals", "flower_head", "other_petals", DAISY):
            fields = upsampled(done[node].sigmoid(), LEARNING.size).numpy()
            rows.append([glowing(one, field) for one, field in zip(raster, fields, strict=True)])
        sheet = Image.fromarray(np.asarray(tile(rows, 96)))
        sheet.convert("RGB").save(out / f"daisies-{name}.jpg", quality=88)


def main() -> None:
    if not SHARED.is_dir():
        report("construct_daisies", "real daisies (the photographs are missing here)", [], False, 0)
    folds = FOLDS[:2] if QUICK else FOLDS
    found = [answers(fold) for fold in folds]
    others = [rivals(fold, found[0].weights) for fold in folds]
    rows = accuracy_rows(found, others) + where_rows(found) + rule_rows(photographs(0)) + found[0].nodes
    gates = [str(row["what"]).endswith("merged") for fold in found for row in fold.nodes if ":" in str(row["what"])]
    rows.append({"what": "nodes that the gates let in, of all trees", "value": sum(gates), "n": len(gates)})
    report(
        "construct_daisies",
        "real daisies are told from eight other flowers through disk, petals and flower head, whose map points at the "
        "flower that a person outlined",
        rows,
        all(bool(row.get("passed", True)) for row in rows),
        sum(sum(each.own) for each in found),
    )


if __name__ == "__main__":
    main()

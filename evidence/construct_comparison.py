"""Three seeds of the demo's nodes on whole pictures, and what they compose beside networks that answer at once."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from _construct import KEPT, project
from _evidence import QUICK, report, wilson
from _rivals import TUNED, Recipe, said, size, taught, tuned, width_of

from cutaway.construct import config, figures, gates, growing
from cutaway.construct.materials import Material, material
from cutaway.construct.project import open_project
from cutaway.construct.tree import Tree, answers, classes, grown, maps

SEEDS, RIVALS = (0, 1, 2), (0, 1)  # of nodes, and of networks that answer at once
ASKED = ("balanced accuracy", "auroc", "pointing", "iou")


def seeded(seed: int) -> Path:
    """The demo's project with all nodes trained from a seed; kept, and only trained where the demo is younger."""
    if seed == 0:
        return project()
    root = KEPT.with_name(f"{KEPT.name}-seed{seed}")
    stamp, wanted = root / "nets" / "trained-from", growing.pin(open_project(project()), "daisy")
    if stamp.is_file() and stamp.read_text() == wanted:
        return root
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(project(), root, ignore=shutil.ignore_patterns(".git", "nets"))
    conf = open_project(root).config
    text = config.to_text(replace(conf, learning=replace(conf.learning, seed=seed)))
    (root / config.FILE).write_text(text)
    growing.train_many(root, [node.id for node in open_project(root).ontology], workers=1, report=lambda line: None)
    stamp.write_text(wanted)
    return root


def node_rows(trees: list[Tree], stuff: Material) -> list[dict[str, object]]:
    """Every node over the seeds: the worst of each figure, and whether all seeds are good enough."""
    limits, rows = config.Gates(), []
    for node in trees[0].ontology.order():
        found = [figures.measure(tree, node, stuff) for tree in trees]
        reached = [all(one.passed for one in gates.standards(each, limits) if one.gate in ASKED) for each in found]
        rows.append(
            {"what": node, "balanced accuracy, lower ends": [each.balanced_accuracy.low for each in found],
             "AUROC": [each.auroc.value for each in found], "pointing": [each.pointing.value for each in found],
             "IoU": [each.iou.value for each in found], "children": len(trees[0].spec(node).inputs),
             "seeds that reach it": f"{sum(reached)} of {len(reached)}", "passed": QUICK or all(reached)}
        )  # fmt: skip
    return rows


def composed(tree: Tree, stuff: Material, where: torch.Tensor) -> np.ndarray:
    names = classes(tree)
    return answers(tree, maps(tree, stuff.pictures[where], names)).argmax(dim=1).numpy()


def truth(tree: Tree, stuff: Material, where: torch.Tensor) -> torch.Tensor:
    return torch.stack([stuff.present(name)[where] for name in classes(tree)], dim=1).float().argmax(dim=1)


def accuracy_row(what: str, hits: list[np.ndarray], parameters: int) -> dict[str, object]:
    means = [round(float(each.mean()), 4) for each in hits]
    low, high = wilson(int(np.concatenate(hits).sum()), sum(map(len, hits)))
    return {"what": what, "right": round(float(np.mean(means)), 4), "95 %": [round(low, 4), round(high, 4)],
            "seeds": means, "parameters": parameters}  # fmt: skip


def main() -> None:
    projects = [open_project(seeded(seed)) for seed in SEEDS]
    stuff = material(projects[0])
    trees = [grown(each) for each in projects]
    count = len(classes(trees[0]))
    parameters = sum(size(net) for net in trees[0].nets.values())
    train, val, test = (stuff.of(split) for split in ("train", "val", "test"))
    right = {split: truth(trees[0], stuff, where) for split, where in (("train", train), ("val", val), ("test", test))}
    wanted = right["test"].numpy()
    recipes = (Recipe(8, 1),) if QUICK else TUNED
    plain = Recipe(8, 1) if QUICK else Recipe(width_of(parameters, count))
    best, first = tuned(stuff.pictures[train], right["train"], stuff.pictures[val], right["val"], count, recipes)
    box, direct = [], []
    for seed in RIVALS:
        net = first if seed == 0 else taught(best, stuff.pictures[train], right["train"], count, seed)
        box.append(said(net, stuff.pictures[test]).argmax(dim=1).numpy() == wanted)
        same = taught(plain, stuff.pictures[train], right["train"], count, seed)
        direct.append(said(same, stuff.pictures[test]).argmax(dim=1).numpy() == wanted)
    tree = [composed(each, stuff, test) == wanted for each in trees]
    rows = node_rows(trees, stuff)
    totals = [
        accuracy_row("composed recogniser", tree, parameters),
        accuracy_row("direct network of its size", direct, size(same)),
        accuracy_row(f"tuned black box ({json.dumps(asdict(best))})", box, size(first)),
    ]
    share = [float(one["right"]) for one in totals]  # type: ignore[arg-type]
    totals[0]["passed"] = share[0] >= share[1] and share[0] >= share[2] - 0.03
    rows += totals
    rows.append({"what": "at most 5 children a node", "passed": all(int(row.get("children", 0)) <= 5 for row in rows)})  # type: ignore[call-overload]
    report(
        "construct_comparison",
        "every node knows on whole pictures whether its part is there and where, from three of three seeds; what they "
        "compose is as good as a direct network of the same size and within three points of a tuned black box",
        rows,
        all(bool(row.get("passed", True)) for row in rows),
        3 * len(test),
    )


if __name__ == "__main__":
    main()

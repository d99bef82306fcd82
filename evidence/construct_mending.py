"""Nodes that cannot be trained are split into their kinds, or retired where they have none: accuracy before and after.

The demo's tree is made worse on purpose: its two kinds of leaves become one node, which says nothing about the class,
and a node is added whose masks are another picture's. Both are trained in small lessons (1,000 pictures, 8 epochs) and
judged by the gates; `refactor` answers what failed; the classes are trained again over what remains.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from _construct import project
from _evidence import QUICK, report, wilson

from cutaway.construct import figures, growing, learning
from cutaway.construct.config import Gates
from cutaway.construct.gates import standards
from cutaway.construct.materials import Material, material
from cutaway.construct.mending import refactor
from cutaway.construct.ontology import Node, Ontology, of
from cutaway.construct.operations import apply
from cutaway.construct.project import open_project
from cutaway.construct.tree import Tree, answers, classes, grown, maps

EPOCHS, FEW = (1, 100) if QUICK else (8, 1000)
COARSE, NOISE = "leaves", "glint"
KINDS = ("blade_leaves", "oval_leaves")
PETALS = {"daisy": "slender_petals", "sunflower": "slender_petals", "poppy": "round_petals", "primrose": "round_petals"}
LEAVES = {"daisy": "blade_leaves", "poppy": "blade_leaves", "sunflower": "oval_leaves", "primrose": "oval_leaves"}

PROJECT = open_project(project())
STUFF = material(PROJECT)
TREE = grown(PROJECT)
SEEN = ("a", "b", "c")  # three pictures of evidence, which is what lint asks for


def worse() -> Ontology:
    """Classes over a kind of petals, leaves of any kind, and a node of noise."""
    parts = [Node(name, evidence=SEEN, status="trained") for name in sorted(set(PETALS.values()))]
    parts += [Node(COARSE, evidence=SEEN), Node(NOISE, evidence=SEEN)]
    made = [Node(name, "class", all_of=(petals, COARSE, NOISE), evidence=SEEN) for name, petals in PETALS.items()]
    return of([*parts, *made])


def masked(ontology: Ontology) -> Material:
    """The demo's pictures with masks for the worse nodes; the noise has the masks of other pictures."""
    order = torch.randperm(len(STUFF.pictures), generator=torch.Generator().manual_seed(0))
    masks = {
        **STUFF.masks,
        COARSE: STUFF.masks[KINDS[0]] | STUFF.masks[KINDS[1]],
        NOISE: STUFF.masks["bowed_stem"][order],
    }
    labelled = {**STUFF.labelled, COARSE: STUFF.labelled[KINDS[0]], NOISE: STUFF.labelled[KINDS[0]]}
    return replace(STUFF, masks=masks, labelled=labelled, ontology=ontology)


def learnt(tree: Tree, stuff: Material, node: str) -> Tree:
    spec = replace(growing.spec_of(PROJECT, stuff.ontology[node]), epochs=EPOCHS)
    train, val = (growing.lesson(stuff, tree, node, spec, split, FEW) for split in ("train", "val"))
    return tree.with_net(node, learning.learn(spec, train, val).net)


def faults(tree: Tree, stuff: Material, node: str) -> list[str]:
    """The gates that a node does not get through."""
    return [one.gate for one in standards(figures.measure(tree, node, stuff), Gates()) if not one.passed]


def right(tree: Tree, stuff: Material) -> tuple[int, int]:
    names, where = classes(tree), stuff.of("test")
    said = answers(tree, maps(tree, stuff.pictures[where], names)).argmax(dim=1)
    wanted = torch.stack([stuff.present(name)[where] for name in names], dim=1).float().argmax(dim=1)
    return int((said == wanted).sum()), len(where)


def told(what: str, hits: int, n: int) -> dict[str, object]:
    low, high = wilson(hits, n)
    return {"what": what, "right": round(hits / n, 3), "95 %": [round(low, 3), round(high, 3)], "n": n}


def main() -> None:
    ontology = worse()
    stuff = masked(ontology)
    tree = Tree(
        ontology, {name: net for name, net in TREE.nets.items() if name in ontology.nodes and name not in PETALS}, {}
    )
    for node in (COARSE, NOISE, *PETALS):
        tree = learnt(tree, stuff, node)
    before = right(tree, stuff)
    shut = {node: faults(tree, stuff, node) for node in (NOISE, *PETALS)}
    # Leaves of any kind are found well enough; what fails are the classes that have to tell them apart.
    failed = {NOISE: shut[NOISE], COARSE: [gate for name in PETALS for gate in shut[name]]}
    marked = ontology.with_nodes(*(replace(ontology[node], status="failed") for node, gates in failed.items() if gates))
    operations = refactor(marked, lambda node: KINDS if node.id == COARSE else ())
    mended = apply(marked, operations, at_most=None)
    # Each class is attached to the kind that its own pictures show more often; the whole stays as any of its kinds.
    joined = [replace(mended[name], all_of=(PETALS[name], LEAVES[name])) for name in PETALS]
    mended = mended.with_nodes(*joined)
    stuff = replace(stuff, ontology=mended)
    nets = {name: net for name, net in TREE.nets.items() if name in mended.nodes and name not in PETALS}
    tree = Tree(mended, nets, {})
    for node in PETALS:
        tree = learnt(tree, stuff, node)
    after = right(tree, stuff)
    still = sorted({gate for name in PETALS for gate in faults(tree, stuff, name)})
    verbs = {operation.node: operation.verb for operation in operations}
    rows = [
        told("before: classes of petals, leaves of any kind, and noise", *before),
        told("after: the leaves split, the noise retired, classes trained again", *after),
        {"what": f"{NOISE}: {verbs.get(NOISE, 'kept')}", "gates shut": ", ".join(failed[NOISE])},
        {"what": f"{COARSE}: {verbs.get(COARSE, 'kept')}", "gates shut": ", ".join(sorted(set(failed[COARSE])))},
        {"what": "classes after it", "gates shut": ", ".join(still) or "none"},
    ]
    report(
        "construct_mending",
        "a node that cannot be trained is split into its kinds or retired, and the recogniser is the better for it",
        rows,
        QUICK or (verbs.get(NOISE) == "retire" and verbs.get(COARSE) == "split" and after[0] > before[0]),
        before[1],
    )


if __name__ == "__main__":
    main()

"""The prototype's open questions on one tree, over three seeds: heads, switching, plain code, how nodes are taught.

Small lessons (1,000 pictures, 8 epochs), so that all variants are compared on the same footing; the demo's are longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from _construct import project
from _evidence import QUICK, report

from cutaway.construct import figures, growing, learning
from cutaway.construct.annotators import Offline
from cutaway.construct.figures import Figures
from cutaway.construct.lessons import Lesson
from cutaway.construct.looks import look
from cutaway.construct.materials import Material, material
from cutaway.construct.networks import PartNet, Spec
from cutaway.construct.observing import grow, observations
from cutaway.construct.ontology import Node, Ontology, of
from cutaway.construct.project import open_project
from cutaway.construct.rules import Rule
from cutaway.construct.tree import Tree, answers, classes, grown, maps, presence
from cutaway.core.errors import ProjectError

LEAF, CLASS = "blade_leaves", "daisy"
SEEDS = (0,) if QUICK else (0, 1, 2)
EPOCHS, FEW, FORMS = (1, 100, 60) if QUICK else (8, 1000, 200)
PLAIN = '''"""All children near each other: the weakest of them decides."""
def compose(maps):
    near = ndimage.maximum_filter(maps, size=(1, 1, 9, 9))
    return np.min(near, axis=1)
'''

PROJECT = open_project(project())
STUFF = material(PROJECT)
TREE = grown(PROJECT)


def learnt(node: str, seed: int, switch: tuple[int, str] | None = None, **changes: object) -> Figures:
    """A node's figures after a small lesson over the demo's children."""
    spec = replace(growing.spec_of(PROJECT, PROJECT.ontology[node]), seed=seed, epochs=EPOCHS, **changes)  # type: ignore[arg-type]
    net = learning.learn(spec, lesson(node, "train"), lesson(node, "val"), switch).net
    return figures.measure(TREE.with_net(node, net), node, STUFF)


@cache
def lesson(node: str, split: str) -> Lesson:
    """What a node learns from, over the demo's children; it is the same whatever the head and the seed."""
    return growing.lesson(STUFF, TREE, node, growing.spec_of(PROJECT, PROJECT.ontology[node]), split, FEW)


def plain() -> Figures:
    """The class as plain code: a rule in the place of its convolution, its threshold from validation pictures."""
    spec = Spec(form="rule", inputs=TREE.spec(CLASS).inputs)
    nets = {name: net for name, net in TREE.nets.items() if name != CLASS}
    tree = Tree(TREE.ontology, nets, {CLASS: Rule(PLAIN, spec)})
    val = STUFF.of("val")
    clear = STUFF.clear(CLASS)[val]
    field = maps(tree, STUFF.pictures[val], [CLASS])[CLASS]
    raw = presence(tree, CLASS, field)[clear].double().numpy()
    cut = learning.best_threshold(raw, STUFF.present(CLASS)[val][clear].numpy())
    lesson = growing.lesson(STUFF, tree, CLASS, Spec(form="composed", inputs=spec.inputs), "val")
    level = learning.best_level(field[:, 0], lesson.masks > 0.5)
    rule = Rule(PLAIN, replace(spec, threshold=cut, level=level))
    return figures.measure(Tree(TREE.ontology, nets, {CLASS: rule}), CLASS, STUFF)


def hand_made(seed: int) -> float:
    """The classes over the hand-made parts, all learnt anew in small lessons: the share of right answers."""
    tree = Tree(PROJECT.ontology, {}, {})
    for node in PROJECT.ontology.order():
        tree = tree.with_net(node, small(tree, STUFF, node, seed))
    return right(tree, STUFF)


@cache
def proposed() -> Material:
    """Forms that the offline annotator found in the masks that came along, and named itself.

    Forms are labelled by rule: every segment that looks like that. A class is made of the forms that it has more often
    than the others, as the annotator proposes.
    """
    seen = observations([each for each in PROJECT.manifest if each.split == "train"][:FORMS], PROJECT.root, "mask-file")
    ontology = grow(Ontology(), Offline(), seen).ontology
    wanted = {child for name in classes(TREE) for child in (ontology[name].children if name in ontology else ())}
    return relabelled(ontology, sorted(wanted))


def grown_by_program(seed: int) -> tuple[float, int]:
    """The classes over those forms: the share of right answers, and the number of forms that could be learnt."""
    stuff = proposed()
    tree = Tree(stuff.ontology, {}, {})
    for node in stuff.ontology.order():
        try:
            tree = tree.with_net(node, small(tree, stuff, node, seed))
        except ProjectError:
            continue  # a form that is shown always or never cannot be learnt
    return right(tree, stuff), len(tree.nets) - len(classes(TREE))


def relabelled(ontology: Ontology, forms: list[str]) -> Material:
    """The demo's pictures with masks of forms: the segments that look so, in every picture that is used."""
    masks = {form: torch.zeros_like(STUFF.masks[CLASS]) for form in forms}
    used = torch.cat([STUFF.of("train", FEW), STUFF.of("val"), STUFF.of("test")]).tolist()
    entries = [PROJECT.manifest[place] for place in used]
    for place, one in zip(used, observations(entries, PROJECT.root, "mask-file"), strict=True):
        picture = one.sample.picture.numpy()
        for segment in one.segments:
            form = look(picture, segment.pixels()).form
            if form in masks:
                masks[form][place] |= torch.from_numpy(segment.pixels())
    kept = {name: STUFF.masks[name] for name in classes(TREE)}
    nodes = [Node(form) for form in forms]
    nodes += [Node(name, "class", all_of=typical(ontology, name, masks)) for name in kept]
    known = dict.fromkeys((*masks, *kept), STUFF.labelled[CLASS])
    return replace(STUFF, masks={**masks, **kept}, labelled=known, ontology=of(nodes))


def typical(ontology: Ontology, name: str, masks: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(child for child in (ontology[name].children if name in ontology else ()) if child in masks)


def small(tree: Tree, stuff: Material, node: str, seed: int) -> PartNet:
    children = tuple(child for child in stuff.ontology[node].children if child in tree)
    spec = replace(growing.spec_of(PROJECT, Node(node, all_of=children)), seed=seed, epochs=EPOCHS)
    train, val = (growing.lesson(stuff, tree, node, spec, split, FEW) for split in ("train", "val"))
    return learning.learn(spec, train, val).net


def right(tree: Tree, stuff: Material) -> float:
    names, where = classes(TREE), stuff.of("test")
    said = answers(tree, maps(tree, stuff.pictures[where], names)).argmax(dim=1)
    wanted = torch.stack([stuff.present(name)[where] for name in names], dim=1).float().argmax(dim=1)
    return float((said == wanted).float().mean())


def row(question: str, variant: str, found: Sequence[Figures]) -> dict[str, object]:
    """Means over the seeds, and the range of balanced accuracy."""
    accuracy = [each.balanced_accuracy.value for each in found]
    return {
        "question": question,
        "variant": variant,
        "balanced accuracy": round(float(np.mean(accuracy)), 3),
        "least to most": [round(min(accuracy), 3), round(max(accuracy), 3)],
        "AUROC": round(float(np.mean([each.auroc.value for each in found])), 3),
        "pointing": round(float(np.mean([each.pointing.value for each in found])), 3),
        "IoU": round(float(np.mean([each.iou.value for each in found])), 3),
    }


def share(found: Sequence[float]) -> float:
    return round(float(np.mean(found)), 3)


def main() -> None:
    half = max(1, EPOCHS // 2)
    leaves: list[tuple[str, str, dict[str, object]]] = [
        ("head of a leaf", "highest place, plain-coded", {}),
        ("head of a leaf", "average", {"head": "average"}),
        ("head of a leaf", "linear, trained", {"head": "linear"}),
        ("switching in mid-training", "average, then highest", {"head": "average", "switch": (half, "max")}),
        ("switching in mid-training", "highest, then linear", {"switch": (half, "linear")}),
        ("how a leaf is taught", "masks on whole pictures", {}),
        ("how a leaf is taught", "cut-out parts", {"supervision": "crop"}),
    ]
    rows: list[dict[str, object]] = []
    done: dict[str, list[Figures]] = {}
    for question, variant, changes in leaves:
        key = str(changes)
        if key not in done:
            done[key] = [learnt(LEAF, seed, **changes) for seed in SEEDS]  # type: ignore[arg-type]
        rows.append(row(question, f"{LEAF}: {variant}", done[key]))
    for head in ("max", "average", "linear"):
        done[head] = [learnt(CLASS, seed, head=head) for seed in SEEDS]
        rows.append(row("head of a class", f"{CLASS}: {head}", done[head]))
    rows.append(row("convolution of a class", f"{CLASS}: learnt", done["max"]))
    rows.append(row("convolution of a class", f"{CLASS}: plain code, nothing learnt", [plain()]))
    made = [hand_made(seed) for seed in SEEDS]
    program = [grown_by_program(seed) for seed in SEEDS]
    for variant, found in (
        ("hand-made: six kinds of part", made),
        (f"grown offline: {program[0][1]} forms that a program named", [share for share, _ in program]),
    ):
        rows.append(
            {"question": "grown or hand-made ontology", "variant": variant,
             "right, four classes": round(float(np.mean(found)), 3),
             "least to most": [round(min(found), 3), round(max(found), 3)]}
        )  # fmt: skip
    report(
        "construct_choices",
        f"the prototype's open questions on one tree over {len(SEEDS)} seeds: which head, whether to switch it, plain "
        "code, masks or cut-outs",
        rows,
        len(rows) == 14 and {CLASS} <= set(classes(TREE)),
        len(STUFF.of("test")),
    )


if __name__ == "__main__":
    main()

"""Is a class read off its parts? Ablation, true masks, what lies outside, edited scenes, and nodes that learnt noise.

In PartWorld any two of a class's three parts settle it, so that a child is needed only where another one is missing.
Rows named "needed" are therefore measured on scenes rendered again without one of the other two parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from _construct import project
from _evidence import QUICK, report, wilson

from cutaway.construct import growing, leakage, learning, worlds
from cutaway.construct.data import samples
from cutaway.construct.figures import balanced
from cutaway.construct.lessons import Lesson
from cutaway.construct.materials import material
from cutaway.construct.project import open_project
from cutaway.construct.tree import Tree, answers, classes, grown, maps, nothing, presence
from cutaway.data.partworld import render
from cutaway.data.partworld.counterfactuals import moved, pasted, with_attribute, without_part
from cutaway.data.partworld.scene import Scene, walk

PATHS = {"petals": "head/petals", "leaves": "leaves", "stem": "stem"}
SCENES = 60 if QUICK else 600
EPOCHS, FEW = (2, 200) if QUICK else (8, 1200)

PROJECT = open_project(project())
STUFF = material(PROJECT)
TREE = grown(PROJECT)
NAMES = classes(TREE)
WHERE = STUFF.of("test")[:SCENES]


@lru_cache
def scenes() -> tuple[Scene, ...]:
    """The scenes behind the test pictures."""
    entries = [PROJECT.manifest[int(place)] for place in WHERE]
    return tuple(sample.extra["scene"] for sample in samples(entries, PROJECT.root))


def drawn(changed: list[Scene]) -> torch.Tensor:
    """Scenes as the pictures that nodes see."""
    return torch.stack([torch.from_numpy(render(one, 64).picture.transpose(2, 0, 1).copy()) for one in changed])


def owned(scene: Scene) -> dict[str, str]:
    """The nodes of the object's own parts, by the parts' names."""
    parts = {part.name: part.kind for _, part in walk(scene.whole.parts) if part.name in PATHS}
    return {name: worlds.node_id(name, str(kind)) for name, kind in parts.items()}


def alone(scene: Scene, name: str) -> bool:
    """Whether no loose part of the same name lies about, which would still be there when the object's own is gone."""
    return all(part.name != name for thing in scene.things if thing.role != "object" for _, part in walk(thing.parts))


def fired(pictures: torch.Tensor, node: str) -> np.ndarray:
    return (presence(TREE, node, maps(TREE, pictures, [node])[node]) > 0).numpy()


Change = Callable[[Scene, str], tuple[Scene, Scene]]


def flips(name: str, change: Change, wanted: tuple[bool, bool]) -> list[tuple[str, int, int]]:
    """Of the scenes in which a node's answer was right before the change, how many have the right one after it."""
    found = []
    for node in sorted(name_ for name_ in PROJECT.ontology.nodes if name_.endswith(f"_{name}")):
        chosen = [one for one in scenes() if owned(one).get(name) == node and alone(one, name)]
        pairs = [change(one, PATHS[name]) for one in chosen]
        before = fired(drawn([one for one, _ in pairs]), node) == wanted[0]
        after = fired(drawn([other for _, other in pairs]), node) == wanted[1]
        found.append((node, int((before & after).sum()), int(before.sum())))
    return found


def erased(scene: Scene, path: str) -> tuple[Scene, Scene]:
    return scene, without_part(scene, path)


def laid_in(scene: Scene, path: str) -> tuple[Scene, Scene]:
    """A scene without the part, and the same with a copy of it where the object is not in the way."""
    spot = 0.22 if scene.whole.place.x > 0.5 else 0.78
    return without_part(scene, path), without_part(pasted(scene, path, spot, 0.3), path)


def edits() -> list[dict[str, object]]:
    rows = []
    for what, change, wanted in (
        ("erasing a part: the node falls silent", erased, (True, False)),
        ("pasting a part: the node speaks up", laid_in, (False, True)),
    ):
        counts = [count for name in PATHS for count in flips(name, change, wanted)]
        rows += [share(what, node, right, n, 0.9) for node, right, n in counts]
        rows.append(share(what, "all parts", sum(c[1] for c in counts), sum(c[2] for c in counts), 0.9))
    rows += followed()
    rows.append(swapped())
    return rows


def followed() -> list[dict[str, object]]:
    """Move a part: where the peak lay on it before, does it lie on it afterwards?"""
    rows = []
    for name, path in PATHS.items():
        for node in sorted(each for each in PROJECT.ontology.nodes if each.endswith(f"_{name}")):
            chosen = [one for one in scenes() if owned(one).get(name) == node and alone(one, name)]
            away = [moved(one, path, 0.12 if one.whole.place.x < 0.5 else -0.12, 0.0) for one in chosen]
            hit = [on_part(group, node, path) for group in (chosen, away)]
            rows.append((node, int((hit[0] & hit[1]).sum()), int(hit[0].sum())))
    what = "moving a part: the peak goes with it"
    total = share(what, "all parts", sum(row[1] for row in rows), sum(row[2] for row in rows), 0.9)
    return [*(share(what, node, right, n, 0.9) for node, right, n in rows), total]


def on_part(group: list[Scene], node: str, path: str) -> np.ndarray:
    from cutaway.construct.figures import upsampled

    masks = torch.stack([torch.from_numpy(render(one, 64).masks.get(path, np.zeros((64, 64), bool))) for one in group])
    peaks = upsampled(maps(TREE, drawn(group), [node])[node], 64).flatten(1).argmax(dim=1, keepdim=True)
    return masks.flatten(1).gather(1, peaks)[:, 0].numpy()


def swapped() -> dict[str, object]:
    """Two parts get their other kinds, which makes the scene one of another class: does the answer become that?"""
    kinds = {label: dict(worlds._kinds(label)) for label in NAMES}
    right = n = 0
    for label in NAMES:
        for goal in NAMES:
            if goal == label:
                continue
            differ = [part for part in PATHS if kinds[label][part] != kinds[goal][part]]
            chosen = [one for one in scenes() if one.label == label and set(owned(one)) == set(PATHS)]
            after = []
            for scene in chosen:
                for part in differ:
                    scene = with_attribute(scene, PATHS[part], "kind", kinds[goal][part])
                after.append(scene)
            was = said(drawn(chosen)) == NAMES.index(label)
            becomes = said(drawn(after)) == NAMES.index(goal)
            right, n = right + int((was & becomes).sum()), n + int(was.sum())
    return share("two parts get their other kinds: the answer becomes the other class", "all classes", right, n, 0.9)


def said(pictures: torch.Tensor, tree: Tree = TREE) -> np.ndarray:
    return answers(tree, maps(tree, pictures, NAMES)).argmax(dim=1).numpy()


def needed() -> list[dict[str, object]]:
    """What a class loses without a child, where another of its parts is missing."""
    rows = []
    for label in NAMES:
        for child in TREE.spec(label).inputs:
            lost, n = needed_of(label, child)
            rows.append(
                {"test": "without a needed child", "node": f"{label} without {child}",
                 "value": f"{100 * lost:+.1f} points", "asked": "at least 10", "n": n, "passed": lost >= 0.10}
            )  # fmt: skip
    return rows


def needed_of(label: str, child: str) -> tuple[float, int]:
    part = child.rsplit("_", 1)[1]
    others = [name for name in PATHS if name != part]
    shown, truth = [], []
    for index, scene in enumerate(scenes()):
        gone = others[index % 2]
        if set(owned(scene)) == set(PATHS):
            shown.append(without_part(scene, PATHS[gone]))
            truth.append(scene.label == label)
    pictures, there = drawn(shown), np.array(truth)
    done = maps(TREE, pictures, [label])
    known = {name: field for name, field in done.items() if name != label}

    def right(changed: Mapping[str, object]) -> float:
        field = maps(TREE, pictures, [label], changed, known)[label]  # type: ignore[arg-type]
        return balanced((presence(TREE, label, field) > 0).numpy(), there).value

    return right({}) - right({child: nothing}), len(there)


def share(test: str, node: str, right: int, n: int, least: float) -> dict[str, object]:
    low, high = wilson(right, n) if n else (0.0, 1.0)
    value = right / max(n, 1)
    text = f"{value:.1%} ({low:.1%} to {high:.1%})"
    asked = f"at least {least:.0%}"
    return {"test": test, "node": node, "value": text, "asked": asked, "right": right, "n": n,
            "passed": value >= least}  # fmt: skip


def random_nodes() -> list[dict[str, object]]:
    """Leaves that learn from masks of other pictures, and classes over them that learn from the truth."""
    tree = Tree(PROJECT.ontology, {}, {})
    for node in PROJECT.ontology.order():
        spec = replace(growing.spec_of(PROJECT, PROJECT.ontology[node]), epochs=EPOCHS)
        lessons = [growing.lesson(STUFF, tree, node, spec, split, FEW) for split in ("train", "val")]
        if spec.form == "leaf":
            lessons = [shuffled(lesson, index) for index, lesson in enumerate(lessons)]
        tree = tree.with_net(node, learning.learn(spec, *lessons).net)
    rows = []
    pictures = STUFF.pictures[WHERE]
    right = np.stack([STUFF.present(name)[WHERE].numpy() for name in NAMES], axis=1).argmax(axis=1)
    for name in NAMES:
        there = right == NAMES.index(name)
        own, noise = (balanced(said(pictures, each)[:] == NAMES.index(name), there).value for each in (TREE, tree))
        rows.append(
            {"test": "leaves that learnt shuffled masks", "node": name,
             "value": f"{100 * (own - noise):+.1f} points ({own:.3f} against {noise:.3f})", "asked": "at least 10",
             "n": len(there), "passed": own - noise >= 0.10}
        )  # fmt: skip
    return rows


def shuffled(lesson: Lesson, seed: int) -> Lesson:
    order = torch.randperm(len(lesson), generator=torch.Generator().manual_seed(seed))
    other = lesson.only(order)
    return replace(other, inputs=lesson.inputs)


def project_rows() -> list[dict[str, object]]:
    """The rows of `cutaway construct leak`; what a child is worth on any picture is told, not asked (see `needed`)."""
    rows = []
    for row in leakage.leaks(PROJECT):
        told = row["test"].startswith("without ") and row["test"] != "without any child"
        rows.append(
            {"test": "without a child, on all pictures" if told else row["test"],
             "node": f"{row['node']} {row['test']}" if told else row["node"],
             "value": f"{100 * row['value']:+.1f} points",
             "asked": "(told)" if told else row["says"].split("; ")[1], "n": len(WHERE),
             "passed": True if told else row["passed"]}
        )  # fmt: skip
    return rows


def main() -> None:
    edited = edits()
    single = [row for row in edited if row["node"] in PROJECT.ontology.nodes]
    rows = [*project_rows(), *needed(), *edited, *random_nodes()]
    report(
        "construct_leaks",
        "classes are read off their parts: a needed child is worth 10 points or more, without any nothing is left, "
        "nothing can be read outside the object; erasing, moving and pasting parts each flip 9 of 10 answers over all "
        "parts; leaves that learnt noise are worse by 10 points or more",
        rows,
        all(row["passed"] for row in rows if row not in single),
        len(WHERE),
    )


if __name__ == "__main__":
    main()

"""The tree lit up by one picture: which node fired where, and what the answer would be without it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from cutaway.construct import data
from cutaway.construct.card_page import drawn, glowing, raster, words
from cutaway.construct.figures import rounded, upsampled
from cutaway.construct.project import Project
from cutaway.construct.tree import Tree, answers, classes, grown, maps, nothing, presence
from cutaway.core.cache import write_atomically
from cutaway.core.errors import ProjectError
from cutaway.core.types import Picture
from cutaway.data.dataset import Sample
from cutaway.report.selfcontained import asset, template


@dataclass(frozen=True)
class Light:
    """One node on the picture: how far beyond its threshold, and what the answer would be without it."""

    node: str
    fired: bool
    beyond: float
    without: str
    margin: float


@dataclass(frozen=True)
class Lit:
    """The whole tree on one picture."""

    picture: UInt8[Tensor, "3 size size"]
    answer: str
    scores: Mapping[str, float]
    lights: tuple[Light, ...]
    fields: Mapping[str, Float[Tensor, "size size"]]
    children: Mapping[str, tuple[str, ...]]

    def plain(self) -> dict[str, Any]:
        """Everything but the pictures, as JSON."""
        return {
            "answer": self.answer,
            "scores": dict(self.scores),
            "nodes": [vars(light) for light in self.lights],
            "children": {name: list(below) for name, below in self.children.items()},
        }


def light(project: Project, picture: Picture) -> Lit:
    """Ask every node about a picture of any size. Raises ProjectError where no class can be asked yet."""
    tree = grown(project)
    names = classes(tree)
    if not names:
        raise ProjectError("no class of this project has a network; expected one; try: cutaway construct train")
    small = data.stack([Sample("picture", picture)], project.config.learning.size)
    done = maps(tree, small, names)
    scores = answers(tree, done)[0].tolist()
    answer = _answer(names, scores)
    lights = tuple(_light(tree, small, name, names, answer, done) for name in done)
    return Lit(
        small[0],
        answer,
        {name: rounded(score) for name, score in zip(names, scores, strict=True)},
        lights,
        {name: upsampled(field.sigmoid(), small.shape[-1])[0] for name, field in done.items()},
        {name: tree.spec(name).inputs for name in done},
    )


def _light(
    tree: Tree, picture: Tensor, name: str, names: tuple[str, ...], answer: str, done: Mapping[str, Tensor]
) -> Light:
    beyond = float(presence(tree, name, done[name])[0])
    above = {name, *tree.ontology.above(name)}
    if name in names:
        rest = {other: float(presence(tree, other, done[other])[0]) for other in names if other != name}
    else:
        kept = {other: field for other, field in done.items() if other not in above or other == name}
        changed = maps(tree, picture, names, {name: nothing}, kept)
        rest = dict(zip(names, answers(tree, changed)[0].tolist(), strict=True))
    without = _answer(tuple(rest), list(rest.values())) if rest else "nothing"
    margin = rest.get(answer, 0.0) - float(presence(tree, answer, done[answer])[0]) if answer in rest else 0.0
    return Light(name, beyond > 0, rounded(beyond), without, rounded(margin))


def _answer(names: tuple[str, ...], scores: list[float]) -> str:
    """The class that is furthest beyond its threshold."""
    return names[int(torch.tensor(scores).argmax())]


def summary(lit: Lit) -> str:
    """The answer and the tree below it, in lines of text."""
    lights = {one.node: one for one in lit.lights}
    others = ", ".join(f"{name} {score:+.1f}" for name, score in sorted(lit.scores.items(), key=lambda pair: -pair[1]))
    lines = [f"{lit.answer}  ({others})"]
    for child in lit.children[lit.answer]:
        one = lights[child]
        turned = f"without it: {one.without}" if one.without != lit.answer else f"without it: still {lit.answer}"
        lines.append(f"  {'●' if one.fired else '○'} {words(child):<24} {one.beyond:+.1f}   {turned}")
    return "\n".join(lines)


def write(lit: Lit, folder: Path) -> Path:
    """The page of a lit tree, with its JSON beside it."""
    shown = raster(lit.picture)
    shining = {name: drawn(glowing(shown, field.numpy())) for name, field in lit.fields.items()}
    ranked = sorted(lit.scores.items(), key=lambda pair: -pair[1])
    text = template("lit_tree.html.j2", {"words": words}).render(
        lit=lit,
        style=asset("base.css"),
        picture=drawn(shown),
        maps=shining,
        ranked=ranked,
        lights={one.node: one for one in lit.lights},
    )
    write_atomically(folder / "index.html", lambda beside: beside.write_text(text, encoding="utf-8"))
    plain = json.dumps(lit.plain(), indent=1)
    write_atomically(folder / "tree.json", lambda beside: beside.write_text(plain, encoding="utf-8"))
    return folder / "index.html"

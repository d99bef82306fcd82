"""A node's card: what it claims, its figures, its pictures and how to make it again. Numbers only; nobody's prose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cutaway.construct import networks
from cutaway.construct.figures import Figures, measure
from cutaway.construct.growing import pin
from cutaway.construct.materials import Material
from cutaway.construct.project import Project
from cutaway.construct.tree import Tree, maps, presence
from cutaway.core.cache import write_atomically

FILE, PAGE = "card.json", "card.html"
SHOWN = 9


def card(
    project: Project, node: str, stuff: Material, found: Figures, previous: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The card as JSON; the same weights, pictures and labels give the same card."""
    spec = networks.read_spec(project.net(node))
    return {
        "node": node,
        "claim": f"{node.replace('_', ' ')}: {claim(found)}",
        "weights": pin(project, node),
        "reads": {child: project.ontology[node].children_pinned.get(child, "") for child in spec.inputs},
        "threshold": spec.threshold,
        "level": spec.level,
        "test_pictures": project.lock("test"),
        "figures": found.plain(),
        "command": f"cutaway construct train {node} --seed {spec.seed}",
        **({"change": change(previous, found)} if previous else {}),
    }


def claim(found: Figures) -> str:
    """The figures in one line."""
    accuracy = found.balanced_accuracy
    return (
        f"{accuracy.value:.1%} balanced accuracy ({accuracy.low:.1%} to {accuracy.high:.1%}, n = {accuracy.n}), "
        f"points right in {found.pointing.value:.1%}, IoU {found.iou.value:.2f}, AUROC {found.auroc.value:.3f}"
    )


def change(previous: Mapping[str, Any], found: Figures) -> dict[str, float]:
    """How far each figure is from the previous version's."""
    now, then = found.plain(), previous.get("figures", {})
    names = ("balanced_accuracy", "auroc", "pointing", "iou", "follows")
    return {name: round(now[name]["value"] - then[name]["value"], 4) for name in names if name in then}


def difference(wanted: Any, said: Any, tolerance: float, where: str = "card") -> str:
    """Where a card says other than what is wanted, or nothing. Numbers may be off by the tolerance."""
    if isinstance(wanted, dict):
        if not isinstance(said, dict) or set(said) - {"change"} != set(wanted) - {"change"}:
            return where
        parts = [difference(wanted[key], said[key], tolerance, f"{where}.{key}") for key in wanted if key != "change"]
        return next((part for part in parts if part), "")
    if isinstance(wanted, float | int) and not isinstance(wanted, bool):
        near = isinstance(said, float | int) and abs(said - wanted) <= tolerance
        return "" if near else where
    if where == "card.claim":  # its figures stand in it; they are compared above, digit by digit, as numbers
        return "" if isinstance(said, str) and _shape(said) == _shape(wanted) else where
    return "" if said == wanted else where


def _shape(claim_text: str) -> str:
    """A claim without its digits."""
    return "".join(letter for letter in claim_text if not letter.isdigit())


def write(
    project: Project,
    node: str,
    tree: Tree,
    stuff: Material,
    found: Figures | None = None,
    previous: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a node's card.json and card.html from what is measured now; returns the card.

    previous: the card of the version before, which the new one is compared with.
    """
    from cutaway.construct import card_page

    found = found or measure(tree, node, stuff)
    path = project.net(node) / FILE
    made = card(project, node, stuff, found, previous)
    text = json.dumps(made, indent=1) + "\n"
    write_atomically(path, lambda beside: beside.write_text(text))
    page = card_page.page(made, tree, stuff, project.probes())
    write_atomically(project.net(node) / PAGE, lambda beside: beside.write_text(page, encoding="utf-8"))
    return made


def extremes(tree: Tree, node: str, stuff: Material) -> tuple[Tensor, Tensor]:
    """Positions of the nine test pictures in which the node is surest of itself, and the nine in which it errs most."""
    where = stuff.of("test")
    where = where[stuff.clear(node)[where]]
    scores = presence(tree, node, maps(tree, stuff.pictures[where], [node])[node])
    signs = stuff.present(node)[where].float() * 2 - 1
    worst = torch.argsort(scores * signs, stable=True)[:SHOWN]
    best = torch.argsort(scores, descending=True, stable=True)[:SHOWN]
    return where[best], where[worst]

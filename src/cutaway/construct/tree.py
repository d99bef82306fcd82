"""The tree at work: every node's map on a picture, and what becomes of it when a child is changed or taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from cutaway.construct import networks
from cutaway.construct.learning import fields
from cutaway.construct.networks import PartNet, Spec
from cutaway.construct.ontology import Ontology
from cutaway.construct.project import Project
from cutaway.construct.rules import Rule
from cutaway.construct.rules import read as read_rule
from cutaway.core.errors import ProjectError

Change = Callable[[Tensor], Tensor]
"""What is done to a child's map of chances (n, 1, grid, grid) before its parents see it."""


@dataclass(frozen=True)
class Tree:
    """Networks and plain-coded rules by node."""

    ontology: Ontology
    nets: Mapping[str, PartNet]
    rules: Mapping[str, Rule]

    def __contains__(self, node: object) -> bool:
        return node in self.nets or node in self.rules

    def spec(self, node: str) -> Spec:
        """How a node is read. Raises ProjectError for a node without a network."""
        if node in self.nets:
            return self.nets[node].spec
        if node in self.rules:
            return self.rules[node].spec
        raise ProjectError(f'"{node}" has no network; expected a trained node; try: cutaway construct train {node}')

    def with_net(self, node: str, net: PartNet) -> Tree:
        """The tree with another network in a node's place."""
        return Tree(self.ontology, {**self.nets, node: net}, self.rules)


def grown(project: Project, nodes: Iterable[str] | None = None) -> Tree:
    """The tree of all nodes that have a network or a rule (or of some of them, with all below)."""
    wanted = {node.id for node in project.ontology.active()}
    if nodes is not None:
        wanted = {name for node in nodes for name in (node, *project.ontology.below(node))}
    nets: dict[str, PartNet] = {}
    plain: dict[str, Rule] = {}
    for name in sorted(wanted):
        if (project.net(name) / networks.SPEC).is_file():
            spec = networks.read_spec(project.net(name))
            if spec.form == "rule":
                plain[name] = read_rule(project.rule(name), spec)
            else:
                nets[name] = networks.read(project.net(name), spec)
    return Tree(project.ontology, nets, plain)


def maps(
    tree: Tree,
    pictures: UInt8[Tensor, "n 3 size size"],
    wanted: Iterable[str],
    changed: Mapping[str, Change] | None = None,
    known: Mapping[str, Tensor] | None = None,
) -> dict[str, Float[Tensor, "n 1 grid grid"]]:
    """The logit maps of some nodes and of all that they read, each computed once.

    changed: what is done to a node's chances before its parents see them. known: maps that are there already.
    """
    done: dict[str, Tensor] = dict(known or {})
    for name in wanted:
        _compute(tree, pictures, name, changed or {}, done)
    return done


def _compute(tree: Tree, pictures: Tensor, name: str, changed: Mapping[str, Change], done: dict[str, Tensor]) -> Tensor:
    if name in done:
        return done[name]
    spec = tree.spec(name)
    if spec.form == "leaf":
        done[name] = fields(tree.nets[name], pictures)
        return done[name]
    for child in spec.inputs:
        _compute(tree, pictures, child, changed, done)
    read = inputs(spec, done, changed)
    done[name] = tree.rules[name](read) if spec.form == "rule" else fields(tree.nets[name], read)
    return done[name]


def inputs(
    spec: Spec, done: Mapping[str, Tensor], changed: Mapping[str, Change] | None = None
) -> Float[Tensor, "n children grid grid"]:
    """What a composed node sees: its children's chances, the highest of each place of its own coarser grid."""
    seen = []
    for child in spec.inputs:
        chances = done[child].sigmoid()
        change = (changed or {}).get(child)
        seen.append(F.adaptive_max_pool2d(chances if change is None else change(chances), spec.grid))
    return torch.cat(seen, dim=1)


def presence(tree: Tree, node: str, field: Float[Tensor, "n 1 g g"]) -> Float[Tensor, " n"]:
    """How far beyond its threshold a node's presence is, in logits; above 0 it is there."""
    with torch.no_grad():
        spec = tree.spec(node)
        net = tree.nets.get(node)
        raw = net.presence(field) if net is not None else networks.highest(field)
        return raw - spec.threshold


def nothing(chances: Float[Tensor, "n 1 g g"]) -> Float[Tensor, "n 1 g g"]:
    """The change that takes a child away: it is nowhere."""
    return torch.zeros_like(chances)


def truth(masks: Bool[Tensor, "n size size"]) -> Change:
    """The change that puts the true mask in a child's place."""
    return lambda chances: F.adaptive_max_pool2d(masks[:, None].float(), chances.shape[-1])


def classes(tree: Tree) -> tuple[str, ...]:
    """The class nodes that can be asked."""
    return tuple(node.id for node in tree.ontology.active() if node.kind == "class" and node.id in tree)


def answers(tree: Tree, done: Mapping[str, Tensor]) -> Float[Tensor, "n classes"]:
    """How far beyond its threshold each class is; the highest is the answer."""
    return torch.stack([presence(tree, name, done[name]) for name in classes(tree)], dim=1)


class Recogniser(nn.Module):
    """The tree as one differentiable network: pictures in [0, 1] to how far beyond its threshold each node is.

    It can be given to everything in cutaway that takes a network. Plain-coded nodes have no gradient.
    """

    def __init__(self, tree: Tree, nodes: Iterable[str]) -> None:
        super().__init__()
        self.tree, self.nodes = tree, tuple(nodes)
        self.nets = nn.ModuleDict(dict(tree.nets))

    def forward(self, pictures: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n nodes"]:
        done: dict[str, Tensor] = {}
        scores = []
        for node in self.nodes:
            self._map(node, pictures, done)
            net = self.tree.nets.get(node)
            raw = networks.highest(done[node]) if net is None else net.presence(done[node])
            scores.append(raw - self.tree.spec(node).threshold)
        return torch.stack(scores, dim=1)

    def _map(self, node: str, pictures: Tensor, done: dict[str, Tensor]) -> None:
        if node in done:
            return
        spec = self.tree.spec(node)
        for child in spec.inputs:
            self._map(child, pictures, done)
        if spec.form == "rule":
            done[node] = self.tree.rules[node](inputs(spec, done).detach())
        else:
            done[node] = self.tree.nets[node](pictures if spec.form == "leaf" else inputs(spec, done))

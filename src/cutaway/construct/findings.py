"""Lint: what is wrong with an ontology, found by rules that give the same answer every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cutaway.construct.ontology import Node, Ontology
from cutaway.construct.words import meaning, poses_as
from cutaway.core.errors import ProjectError

LEAST_EVIDENCE = 3
MOST_CHILDREN = 5


@dataclass(frozen=True, order=True)
class Finding:
    """One fault: its rule, the node that has it, what it is, and the other node where two are concerned."""

    rule: str
    node: str
    says: str
    other: str = ""

    def __str__(self) -> str:
        return f"{self.node}: {self.says} [{self.rule}]"


def lint(ontology: Ontology) -> tuple[Finding, ...]:
    """All faults of the nodes that are not retired, sorted."""
    return tuple(sorted(finding for rule in RULES.values() for finding in rule(ontology)))


def _circles(ontology: Ontology) -> Iterator[Finding]:
    """Nodes that are made of themselves."""
    for node in ontology.active():
        try:
            ontology.below(node.id)
        except ProjectError:
            if any(_reaches(ontology, child, node.id) for child in node.children):
                yield Finding("cycle", node.id, "is made of itself")


def _reaches(ontology: Ontology, start: str, goal: str) -> bool:
    seen, waiting = set[str](), [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen and name in ontology:
            seen.add(name)
            waiting.extend(ontology[name].children)
    return False


def _dangling(ontology: Ontology) -> Iterator[Finding]:
    """Children that are not there, or retired."""
    for node in ontology.active():
        for child in node.children:
            if child not in ontology or ontology[child].status == "retired":
                yield Finding("missing-child", node.id, f'is made of "{child}", which is not there', child)


def _unattached(ontology: Ontology) -> Iterator[Finding]:
    """Attributes of nothing."""
    for node in ontology.active():
        owners = [name for name in node.attaches_to if name in ontology and ontology[name].status != "retired"]
        if node.kind == "attribute" and not owners and not ontology.parents(node.id):
            yield Finding("unattached", node.id, "is an attribute of nothing")


def _duplicates(ontology: Ontology) -> Iterator[Finding]:
    """Two names for one thing, whether by synonyms, plurals, order of words or aliases."""
    seen: dict[tuple[frozenset[str], tuple[str, ...]], str] = {}
    for node in ontology.active():
        place = tuple(sorted(node.attaches_to)) if node.kind == "attribute" else ()
        for words in {meaning(name) for name in (node.id, *node.aliases)}:
            other = seen.setdefault((words, place), node.id)
            if other != node.id:
                yield Finding("duplicate", node.id, f'says the same as "{other}"', other)
                break


def _thin(ontology: Ontology) -> Iterator[Finding]:
    """Nodes that too few pictures show."""
    for node in ontology.active():
        count = len(set(node.evidence))
        if count < LEAST_EVIDENCE:
            yield Finding("thin", node.id, f"is shown by {count} pictures; expected {LEAST_EVIDENCE} or more")


def _posing(ontology: Ontology) -> Iterator[Finding]:
    """States and relations that pose as parts."""
    for node in ontology.active():
        posing = poses_as(node.id)
        if node.kind == "part" and posing:
            yield Finding("posing", node.id, f"names a {posing}, not a part")


def _wide(ontology: Ontology) -> Iterator[Finding]:
    """Nodes made of more than anybody can review."""
    for node in ontology.active():
        if len(node.children) > MOST_CHILDREN:
            yield Finding("wide", node.id, f"has {len(node.children)} children; expected at most {MOST_CHILDREN}")


def _bare(ontology: Ontology) -> Iterator[Finding]:
    """Classes and relations made of nothing: they would be read off the picture, past the parts."""
    for node in ontology.active():
        least = {"class": 1, "relation": 2}.get(node.kind, 0)
        if len(node.children) < least:
            yield Finding("bare", node.id, f"is a {node.kind} of {len(node.children)} parts; expected at least {least}")


RULES: Mapping[str, Callable[[Ontology], Iterator[Finding]]] = {
    "cycle": _circles,
    "missing-child": _dangling,
    "unattached": _unattached,
    "duplicate": _duplicates,
    "thin": _thin,
    "posing": _posing,
    "wide": _wide,
    "bare": _bare,
}


def name_of(node: Node) -> str:
    """A node's name for people."""
    return node.id.replace("_", " ")

"""Refactoring: what lint finds, and nodes that could not be trained, answered with operations that mend them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cutaway.construct.findings import LEAST_EVIDENCE, Finding, lint
from cutaway.construct.ontology import Node, Ontology
from cutaway.construct.operations import Operation, apply

Kinds = Callable[[Node], Sequence[str]]
"""The names of the kinds that a node falls into; fewer than two where it is one thing."""


def refactor(ontology: Ontology, kinds: Kinds | None = None) -> tuple[Operation, ...]:
    """Operations after which lint finds as little as possible; the same ontology gives the same ones.

    Duplicates are merged into the one that more pictures show. What is no part, attached to nothing or hardly ever
    seen is retired. A node that failed to be trained is split into its kinds, or retired where it has none.
    """
    done: list[Operation] = []
    current = ontology
    for node in ontology.active():
        if node.status == "failed":
            found = tuple(kinds(node)) if kinds and not node.children else ()
            done.append(
                Operation("split", node.id, {"into": list(found)})
                if len(found) >= 2
                else Operation("retire", node.id, {"why": "it could not be trained"})
            )
    current = apply(current, done, at_most=None)
    while True:
        answers = [_answer(current, finding) for finding in lint(current)]
        step = next((one for one in answers if one), None)
        if step is None:
            return tuple(done)
        done.append(step)
        current = apply(current, [step], at_most=None)


def _answer(ontology: Ontology, finding: Finding) -> Operation | None:
    """What mends a finding; None where only a person can say."""
    node = ontology[finding.node]
    if finding.rule == "duplicate":
        one, other = node, ontology[finding.other]
        kept, gone = (one, other) if _weight(one) > _weight(other) else (other, one)
        return Operation("merge", kept.id, {"nodes": [gone.id]})
    if finding.rule in ("posing", "unattached"):
        return Operation("retire", node.id, {"why": finding.says})
    if finding.rule == "thin" and node.kind != "class" and node.status == "proposed":
        return Operation("retire", node.id, {"why": f"fewer than {LEAST_EVIDENCE} pictures show it"})
    return None


def _weight(node: Node) -> tuple[int, int, str]:
    """Which of two names for one thing stays: the trained one, then the one that more pictures show."""
    return int(node.status == "trained"), len(set(node.evidence)), node.id
